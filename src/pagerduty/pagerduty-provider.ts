import { HttpService } from '@nestjs/axios';
import { Inject, Injectable, Optional } from '@nestjs/common';
import type {
  ConnectionHost,
  IntegrationProvider,
  ProviderConnection,
  ProviderDescription,
  ProviderLimits,
} from '../integrations/provider/integration-provider';
import type { SettingsProblem } from '../integrations/provider/provider-error';
import { AccountProbe } from './account-probe';
import { authenticationOf, WANTED_SCOPES } from './api/authentication';
import { PagerDutyClient } from './api/client';
import { Diagnosis } from './diagnosis';
import { PagerDutyConnection } from './pagerduty-connection';
import { KnownUsers } from './known-users';
import { endpointsOf } from './pagerduty-endpoints';
import { DEFAULT_PARALLEL_CALLS, PAGERDUTY_OPTIONS, type PagerDutyOptions } from './pagerduty-options';
import {
  AUTH_METHODS,
  checkSecret,
  parseSettings,
  SETTINGS_SCHEMA,
  type PagerDutySettings,
} from './pagerduty-settings';
import { TEAM_ROLES } from './team-members';
import { teamNameKey, withPlainSpaces } from './teams';

/** Groups become teams in PagerDuty, members become members of those teams. */
@Injectable()
export class PagerDutyProvider implements IntegrationProvider<PagerDutySettings> {
  readonly type = 'pagerduty';

  readonly description: ProviderDescription = {
    displayName: 'PagerDuty',
    authMethods: AUTH_METHODS,
    settingsSchema: SETTINGS_SCHEMA,
    memberRoles: TEAM_ROLES,
    guides: [
      {
        title: 'Register an app for Scoped OAuth',
        url: 'https://developer.pagerduty.com/docs/oauth-functionality',
      },
      {
        title: 'Create an API access key',
        url: 'https://support.pagerduty.com/main/docs/api-access-keys',
      },
    ],
  };

  readonly limits: ProviderLimits;
  /** PagerDuty API reference, "List users": a search by login address needs no other attribute. */
  readonly userAttributes = [];
  private readonly options: PagerDutyOptions;
  /** One per credential, for as long as the credential is in use. */
  private readonly knownUsers = new WeakMap<ConnectionHost, KnownUsers>();

  constructor(
    private readonly http: HttpService,
    @Optional() @Inject(PAGERDUTY_OPTIONS) options: PagerDutyOptions | null = null,
  ) {
    this.options = options ?? {};
    this.limits = {
      // PagerDuty API reference: the name of a team has at most 100 characters.
      groupNameLength: 100,
      // PagerDuty docs, "Account limits".
      membersPerGroup: 500,
      // PagerDuty docs publish no limit.
      parallelCalls: this.options.parallelCalls ?? DEFAULT_PARALLEL_CALLS,
    };
  }

  groupNameKey(name: string): string {
    return teamNameKey(name);
  }

  keptGroupName(name: string): string {
    return withPlainSpaces(name);
  }

  parseSettings(input: unknown): PagerDutySettings {
    return parseSettings(input);
  }

  checkSecret(settings: PagerDutySettings, secret: string): SettingsProblem[] {
    return checkSecret(settings, secret);
  }

  credentialKey(settings: PagerDutySettings, secret: string): string {
    // PagerDuty docs, "Rate limits": the bucket belongs to the key, or to the app in the account.
    const parts =
      settings.authMethod === 'oauth'
        ? [settings.accountRegion, settings.accountSubdomain, settings.clientId, secret, ...WANTED_SCOPES]
        : [settings.accountRegion, secret];
    return JSON.stringify([this.type, settings.authMethod, ...parts]);
  }

  connect(
    account: { settings: PagerDutySettings; secret: string },
    host: ConnectionHost,
  ): ProviderConnection {
    const endpoints = endpointsOf(account.settings.accountRegion, this.options);
    const authentication = authenticationOf(account, this.http, endpoints, host.tokens);
    return new PagerDutyConnection(
      new PagerDutyClient(this.http, endpoints, authentication, host, this.limits.parallelCalls),
      new Diagnosis(
        account.settings,
        new AccountProbe(account, this.http, (region) => endpointsOf(region, this.options), host),
      ),
      this.usersKnownTo(host),
    );
  }

  private usersKnownTo(host: ConnectionHost): KnownUsers {
    const known = this.knownUsers.get(host) ?? new KnownUsers();
    this.knownUsers.set(host, known);
    return known;
  }
}
