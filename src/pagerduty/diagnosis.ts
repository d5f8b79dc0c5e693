import type {
  CallContext,
  DiagnosisCheck,
  RemoteAccount,
} from '../integrations/provider/integration-provider';
import type { ProviderError } from '../integrations/provider/provider-error';
import type { AccountProbe, ProbeResult, Session } from './account-probe';
import { WANTED_SCOPES } from './api/authentication';
import {
  failed,
  failedByError,
  passed,
  REMEDIES,
  SCOPE_CHECKS,
  skipped,
  skipRemaining,
  warned,
} from './diagnosis-checks';
import type { AccountRegion, OAuthSettings, PagerDutySettings } from './pagerduty-settings';

type Refusal = Extract<ProbeResult, { error: ProviderError }>;

/** RFC 6749 §5.2: the client may not use the client credentials grant, or the server does not know it. */
const WRONG_APP_TYPE: ReadonlySet<string | null> = new Set(['unauthorized_client', 'unsupported_grant_type']);

/**
 * The checks of a connection test. A check may depend on those before it:
 *
 * | what PagerDuty does | result |
 * |---|---|
 * | no answer, HTML, 404, 5xx, 429 to the first call | `address` failed, never the credential |
 * | 401, or no token, in both regions | `credential` failed |
 * | the same, but the other region accepts it | `account` failed: the region is wrong |
 * | "Invalid scope", but a single scope is granted | `scope_*` failed |
 * | rows of another subdomain or region than set | `account` failed |
 * | a token without a scope | `scope_*` failed, and what needs it skipped |
 * | 402 on teams | `teams_ability` failed |
 * | 403 on a list | `teams_readable`, `users_readable` failed |
 * | 403 on a write to a team that cannot exist | `teams_writable` failed: the key is read-only |
 * | 200 on `/users/me` | `key_owner` warns: the key is personal |
 */
export class Diagnosis {
  constructor(
    private readonly settings: PagerDutySettings,
    private readonly probe: AccountProbe,
  ) {}

  /** Yields every check once. */
  async *run(context: CallContext): AsyncGenerator<DiagnosisCheck, void, undefined> {
    const given = new Set<string>();
    for await (const check of this.checks(context)) {
      given.add(check.id);
      yield check;
    }
    yield* skipRemaining(given);
  }

  /** Ends early when no later check is possible. */
  private async *checks(context: CallContext): AsyncGenerator<DiagnosisCheck, void, undefined> {
    const entry = await this.probe.tryCredential(this.settings.accountRegion, context);
    if (entry.error?.isTransient) {
      yield failedByError('address', entry.error, REMEDIES.address);
      return;
    }
    yield passed('address', 'PagerDuty was reached and answered.');
    if (entry.error !== null) {
      yield* this.refused(entry, context);
      return;
    }
    const { session } = entry;
    yield passed(
      'credential',
      session.scopes === null ? 'PagerDuty accepts the key.' : 'The app gets an access token.',
    );
    const account = this.accountCheck(await accountOf(session, context));
    yield account;
    if (account.status === 'failed') return;
    yield* scopeChecks(session.scopes);
    yield* readingChecks(session, context);
    yield* keyChecks(session, context);
  }

  /** Tries the other region and single scopes: PagerDuty does not say which part of a credential is wrong. */
  private async *refused(refusal: Refusal, context: CallContext): AsyncGenerator<DiagnosisCheck> {
    const { accountRegion } = this.settings;
    const other: AccountRegion = accountRegion === 'us' ? 'eu' : 'us';
    const tried = this.probe.regionsDiffer(accountRegion, other)
      ? await this.probe.tryCredential(other, context)
      : null;
    if (tried?.error === null) {
      const account = await accountOf(tried.session, context);
      yield passed('credential', `PagerDuty accepts the credential, but only in the region ${other}.`);
      yield { ...regionWrong(accountRegion, other), ...(account === null ? {} : { account }) };
      return;
    }
    const mayLackScopes = refusal.error.reason === 'oauth_scope_refused';
    if (mayLackScopes && this.settings.authMethod === 'oauth') {
      const scopes = await this.checkEachScope(this.settings, context);
      if (scopes.some(({ status }) => status === 'passed')) {
        yield passed('credential', 'PagerDuty accepts the client, but not for every scope.');
        yield skipped('account', 'Not checked: the app lacks scopes.');
        yield* scopes;
        return;
      }
    }
    const { reason, message } = refusal.error;
    yield failed('credential', reason, `${message} ${otherRegionOutcome(tried, other)}`, remedyOf(refusal));
  }

  /** Some accounts refuse a token for a scope that the app lacks, instead of leaving the scope out. */
  private async checkEachScope(settings: OAuthSettings, context: CallContext): Promise<DiagnosisCheck[]> {
    const checks: DiagnosisCheck[] = [];
    for (const scope of WANTED_SCOPES) {
      const error = await this.probe.refusalOfScope(settings, scope, context);
      if (error === null) checks.push(passed(SCOPE_CHECKS[scope], `The app has the scope ${scope}.`));
      else checks.push(failedByError(SCOPE_CHECKS[scope], error, REMEDIES.scope(scope)));
    }
    return checks;
  }

  private accountCheck(account: RemoteAccount | null): DiagnosisCheck {
    if (account === null) {
      return skipped('account', 'Nothing that the credential can read names the account.');
    }
    const { settings } = this;
    const region: AccountRegion = account.identity.startsWith('pagerduty:eu:') ? 'eu' : 'us';
    if (settings.authMethod === 'oauth' && settings.accountSubdomain !== account.name) {
      const message = `The settings say ${settings.accountSubdomain}, but the credential belongs to ${account.url}.`;
      return { ...failed('account', 'subdomain_wrong', message, REMEDIES.subdomain(account.name)), account };
    }
    if (settings.accountRegion !== region) return { ...regionWrong(settings.accountRegion, region), account };
    return { ...passed('account', `The account is ${account.url}.`), account };
  }
}

async function accountOf(session: Session, context: CallContext): Promise<RemoteAccount | null> {
  // Every account has a user, its owner; a new one has no team yet.
  for (const collection of ['users', 'teams'] as const) {
    if (!session.mayRead(collection)) continue;
    const { account } = await session.read(collection, context);
    if (account !== null) return account;
  }
  return null;
}

function* scopeChecks(scopes: readonly string[] | null): Generator<DiagnosisCheck> {
  for (const scope of WANTED_SCOPES) {
    const id = SCOPE_CHECKS[scope];
    if (scopes === null) yield skipped(id, 'An API access key has no scopes.');
    else if (scopes.includes(scope)) yield passed(id, `The app has the scope ${scope}.`);
    else {
      const message = `PagerDuty gives the app a token without the scope ${scope}.`;
      yield failed(id, 'scopes_missing', message, REMEDIES.scope(scope));
    }
  }
}

async function* readingChecks(session: Session, context: CallContext): AsyncGenerator<DiagnosisCheck> {
  const withoutScope = (scope: string): string => `Not checked: the app lacks the scope ${scope}.`;
  if (!session.mayRead('teams')) {
    yield skipped('teams_ability', withoutScope('teams.read'));
    yield skipped('teams_readable', withoutScope('teams.read'));
  } else {
    const { error } = await session.read('teams', context);
    if (error?.status === 402) {
      yield failedByError('teams_ability', error, REMEDIES.ability);
      yield skipped('teams_readable', 'Not checked: the plan of the account does not include teams.');
    } else if (error !== null) {
      yield skipped('teams_ability', 'Not known: Scimify could not read the teams.');
      yield failedByError('teams_readable', error, REMEDIES.notReadable);
    } else {
      yield passed('teams_ability', 'The plan of the account includes teams.');
      yield passed('teams_readable', 'The credential can list the teams of the account.');
    }
  }
  if (!session.mayRead('users')) {
    yield skipped('users_readable', withoutScope('users.read'));
    return;
  }
  const { error } = await session.read('users', context);
  if (error !== null) yield failedByError('users_readable', error, REMEDIES.notReadable);
  else yield passed('users_readable', 'The credential can list the users of the account.');
}

async function* keyChecks(session: Session, context: CallContext): AsyncGenerator<DiagnosisCheck> {
  if (session.scopes !== null) {
    // PagerDuty docs: for an app only the scope decides.
    yield session.scopes.includes('teams.write')
      ? passed('teams_writable', 'The app has the scope teams.write.')
      : skipped('teams_writable', 'Not checked: the app lacks the scope teams.write.');
    yield passed('key_owner', 'The token belongs to an app.');
    return;
  }
  const teams = await session.read('teams', context);
  if (teams.error !== null) yield skipped('teams_writable', 'Not known: Scimify could not read the teams.');
  else yield writeCheck(await session.refusalOfWrites(context));
  const isPersonal = await session.isPersonalKey(context);
  if (isPersonal === null) yield skipped('key_owner', 'PagerDuty did not say whether the key is personal.');
  else if (isPersonal) {
    yield warned('key_owner', 'user_key', 'The key is the personal key of a user.', REMEDIES.userKey);
  } else yield passed('key_owner', 'The key is a general access key.');
}

function writeCheck(refusal: ProviderError | null): DiagnosisCheck {
  if (refusal === null) return passed('teams_writable', 'The key may change teams.');
  if (refusal.isTransient) return failedByError('teams_writable', refusal, REMEDIES.readOnly);
  if (refusal.kind === 'permission') {
    const message =
      'PagerDuty refuses every change with this key: the key is read-only, or its owner may only read.';
    return failed('teams_writable', 'key_read_only', message, REMEDIES.readOnly);
  }
  // PagerDuty documents no way to ask: a response other than the two expected ones proves nothing.
  const message = `Scimify could not find out whether the key may change teams. ${refusal.message}`;
  return warned('teams_writable', 'write_unknown', message, REMEDIES.readOnly);
}

function regionWrong(set: AccountRegion, actual: AccountRegion): DiagnosisCheck {
  const message = `The settings say region ${set}, but the credential belongs to an account in the region ${actual}.`;
  return failed('account', 'region_wrong', message, REMEDIES.region(actual));
}

function otherRegionOutcome(tried: ProbeResult | null, other: AccountRegion): string {
  if (tried === null) return '';
  return tried.error?.isTransient
    ? `Scimify could not find out whether the region ${other} accepts it.`
    : `The region ${other} does not accept it either.`;
}

function remedyOf({ error, oauthError, hasToken }: Refusal): string {
  if (WRONG_APP_TYPE.has(oauthError)) return REMEDIES.appType;
  switch (error.reason) {
    case 'oauth_client_refused':
      return REMEDIES.client;
    case 'oauth_scope_refused':
    case 'oauth_refused':
      return REMEDIES.accountOrScopes;
    case 'unauthorized':
      return hasToken ? REMEDIES.token : REMEDIES.key;
    default:
      // Locked, expired: a problem of the account, whatever the credential.
      return error.remedy;
  }
}
