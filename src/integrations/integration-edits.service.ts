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
import { Integrations, type StateChange, acceptSettings, whenConnected } from './integrations.service';
import { assertMayDecide, assertMayGuard } from './owner-decisions';
import { type IntegrationPolicies, withDefaults } from './policies';
import type { RemoteAccount } from './provider/integration-provider';
import { ProviderRegistry } from './provider/provider-registry';
import { NOT_LOOKED_AT, NOT_SUSPENDED } from './suspension';
import { SETTINGS_REFUSED } from './suspension-reasons';

/** A JSON merge patch of an integration: what is left out stays, null takes the default. */
export interface IntegrationPatch {
  name?: string;
  settings?: object;
  policies?: object;
}

/** What an integration is to be, as far as people say. */
export interface IntegrationEdit {
  name: string;
  settings: object;
  policies: IntegrationPolicies;
  /** The account was looked for in another place: whether it was found there. */
  tried: { account: RemoteAccount | null } | null;
}

/** Changes of an integration that keep its account. */
@Injectable()
export class IntegrationEdits {
  constructor(
    private readonly integrations: Integrations,
    private readonly providers: ProviderRegistry,
    private readonly trials: CredentialTrials,
    private readonly secrets: SecretBox,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Asks the target where it matters: outside of any transaction.
   *
   * @throws Problem 400 for what the provider does not accept, 403 for what the admin may not decide
   * @throws CredentialRefused where the account is not reached with these settings
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
    if (elsewhere) assertMayDecide(admin, 'what names the account');
    assertMayGuard(admin, integration.policies.guard, policies.guard);
    const tried = elsewhere ? { account: await this.trials.run(integration, settings, secret) } : null;
    return { name: patch.name ?? integration.name, settings, policies, tried };
  }

  /**
   * @throws Problem 409 when another change was made since it was prepared
   * @throws CredentialRefused 409 when the account has become known since, and is another one
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
    if (tried) await this.integrations.probe(tx, id);
    await this.audit.record(tx, {
      ...eventOf(current, admin.actor, 'integration.changed'),
      detail: { changes },
    });
    await this.integrations.recordResumed(tx, admin.actor, current, connection);
  }
}

/** Settings that are stored now are accepted: a suspension for those of before is over. */
function connectionOf(current: Integration, { tried }: IntegrationEdit): StateChange {
  if (tried) return whenConnected(current, tried.account);
  return current.suspensionReason === SETTINGS_REFUSED ? { ...NOT_SUSPENDED, ...NOT_LOOKED_AT } : {};
}

interface FieldChange {
  /** Dotted path. */
  field: string;
  from: unknown;
  to: unknown;
}

/** What an event tells of a change, one entry for each field that differs. */
export function changesBetween(before: unknown, after: unknown, field = ''): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ field, from: before ?? null, to: after ?? null }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    changesBetween(before[name], after[name], field === '' ? name : `${field}.${name}`),
  );
}
