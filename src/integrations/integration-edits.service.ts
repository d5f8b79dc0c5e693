import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { isObject, mergePatch } from '../admin-api/merge-patch';
import { AuditLog } from '../audit/audit-log';
import type { Transaction } from '../database/transaction-runner';
import { SecretBox } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { CredentialTrials } from './connection-test/credential-trials';
import { assertSameAccount } from './connection-test/same-account';
import { secretBinding } from './connections/connections.service';
import { eventOf } from './integration-events';
import { Integration } from './integration.entity';
import { Integrations, type StateChange, acceptSettings } from './integrations.service';
import { assertMayDecide, assertMayGuard } from './owner-decisions';
import { type IntegrationPolicies, withDefaults } from './policies';
import type { RemoteAccount } from './provider/integration-provider';
import { ProviderRegistry } from './provider/provider-registry';
import { SETTINGS_REFUSED } from './suspension-reasons';
import { CONNECTION_UNKNOWN, NOT_SUSPENDED, Suspensions, whenConnected } from './suspensions.service';

/** A JSON merge patch of an integration. Omitted fields stay, null restores the default. */
export interface IntegrationPatch {
  name?: string;
  settings?: object;
  policies?: object;
}

/** The new values of everything that an admin may edit. */
export interface IntegrationEdit {
  name: string;
  settings: object;
  policies: IntegrationPolicies;
  /** The result of the credential test. Null if no setting changes that identifies the account. */
  tried: { account: RemoteAccount | null } | null;
}

/** Changes an integration without changing its account. */
@Injectable()
export class IntegrationEdits {
  constructor(
    private readonly integrations: Integrations,
    private readonly suspensions: Suspensions,
    private readonly providers: ProviderRegistry,
    private readonly trials: CredentialTrials,
    private readonly secrets: SecretBox,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Calls the target if a setting changes that identifies the account. Must run outside of any transaction.
   *
   * @throws Problem 400 if the provider rejects a field, 403 if only an owner may make the change
   * @throws CredentialRefused if these settings do not reach the account
   */
  async prepare(admin: Admin, integration: Integration, patch: IntegrationPatch): Promise<IntegrationEdit> {
    const provider = this.providers.get(integration.provider);
    const settings = acceptSettings(() =>
      this.providers.parseSettings(provider.type, mergePatch(integration.settings, patch.settings ?? {})),
    );
    const policies = withDefaults(mergePatch(integration.policies, patch.policies ?? {}));
    if (policies.memberRole !== integration.policies.memberRole) {
      acceptSettings(() => this.providers.checkMemberRole(provider.type, policies.memberRole));
    }
    const sealed = { ciphertext: integration.secretCiphertext, keyId: integration.secretKeyId };
    const secret = this.secrets.open(sealed, secretBinding(integration.id));
    const elsewhere =
      provider.credentialKey(settings, secret) !== provider.credentialKey(integration.settings, secret);
    if (elsewhere) assertMayDecide(admin, 'the settings that identify the account');
    assertMayGuard(admin, integration.policies.guard, policies.guard);
    const tried = elsewhere ? { account: await this.trials.run(integration, settings, secret) } : null;
    return { name: patch.name ?? integration.name, settings, policies, tried };
  }

  /**
   * @throws Problem 409 if the integration has changed since `prepare`
   * @throws CredentialRefused 409 if another account has been recorded since `prepare`
   */
  async apply(tx: Transaction, admin: Admin, prepared: Integration, edit: IntegrationEdit): Promise<void> {
    const current = await this.integrations.unchanged(tx, prepared);
    const { id } = current;
    const { name, settings, policies, tried } = edit;
    if (tried) assertSameAccount(current, tried.account);
    const changes = changesBetween(
      { name: current.name, settings: current.settings, policies: current.policies },
      { name, settings, policies },
    );
    if (changes.length === 0) return;
    await tx.manager.update(Integration, { id }, { settings, policies });
    const connection = connectionOf(current, edit);
    await this.integrations.raiseRevision(tx, id, { name, ...connection });
    if (tried) await this.suspensions.scheduleVisibilityProbe(tx, id);
    await this.audit.record(tx, {
      ...eventOf(current, admin.actor, 'integration.changed'),
      detail: { changes },
    });
    await this.suspensions.recordResumed(tx, admin.actor, current, connection);
  }
}

/** The new settings are valid, so a suspension for the previous settings ends. */
function connectionOf(current: Integration, { tried }: IntegrationEdit): StateChange {
  if (tried) return whenConnected(current, tried.account);
  return current.suspensionReason === SETTINGS_REFUSED ? { ...NOT_SUSPENDED, ...CONNECTION_UNKNOWN } : {};
}

interface FieldChange {
  /** Dotted path, for example `policies.guard.teamPercent`. */
  field: string;
  from: unknown;
  to: unknown;
}

/** One entry for each field that differs. */
export function changesBetween(before: unknown, after: unknown, field = ''): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ field, from: before ?? null, to: after ?? null }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    changesBetween(before[name], after[name], field === '' ? name : `${field}.${name}`),
  );
}
