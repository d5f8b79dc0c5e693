import { Injectable } from '@nestjs/common';
import { type ExpectedVersions, assertExpected } from '../admin-api/if-match';
import { Problem } from '../admin-api/problem';
import { systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import type { Transaction } from '../database/transaction-runner';
import { SecretBox } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { Connections, secretBinding } from './connections/connections.service';
import { changesBetween } from './integration-edits.service';
import { eventOf } from './integration-events';
import { logAfterCommit } from './integration-log';
import { type DeletedTeams, Integration } from './integration.entity';
import { Integrations, acceptSettings, logMode } from './integrations.service';
import { ProviderRegistry } from './provider/provider-registry';
import { ScimKey } from './scim-keys/scim-key.entity';
import { CONNECTION_UNKNOWN, NOT_SUSPENDED, Suspensions } from './suspensions.service';

/** What a rebind changes. Omitted fields stay as they are. */
export interface NewConnection {
  settings?: object;
  secret?: string;
}

/** The settings to store, and the sealed secret if there is a new one. */
export type StoredConnection = Pick<Integration, 'settings'> &
  Partial<Pick<Integration, 'secretCiphertext' | 'secretKeyId'>>;

/** Deletes and rebinds integrations. The caller handles the teams in the target. */
@Injectable()
export class IntegrationLifecycle {
  constructor(
    private readonly integrations: Integrations,
    private readonly suspensions: Suspensions,
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    private readonly connections: Connections,
    private readonly audit: AuditLog,
  ) {}

  /**
   * SCIM answers 401 after the commit. A suspension ends, because the engine itself checks whether it reaches the
   * target. `leave` is final: a later request changes nothing and writes no event.
   */
  async beginDeletion(
    tx: Transaction,
    admin: Admin,
    id: string,
    teams: DeletedTeams,
    expected: ExpectedVersions,
  ): Promise<void> {
    const current = await this.integrations.locked(tx, id);
    assertExpected(expected, current);
    if (current.deletingTeams === 'leave') return;
    await this.integrations.raiseRevision(tx, id, {
      ...NOT_SUSPENDED,
      deletingSince: current.deletingSince ?? Date.now(),
      deletingTeams: teams,
    });
    await this.audit.record(tx, {
      ...eventOf(current, admin.actor, 'integration.deletion_requested'),
      detail: { name: current.name, teams },
    });
    await this.suspensions.recordResumed(tx, admin.actor, current, NOT_SUSPENDED);
  }

  /** The last step of a deletion. The audit events stay. */
  async remove(tx: Transaction, integration: Integration): Promise<void> {
    const { id, name } = integration;
    await logAfterCommit(tx, id, { level: 'log', event: 'integration.deleted', text: 'is deleted' });
    await tx.manager.delete(ScimKey, { integrationId: id });
    await tx.manager.delete(Integration, { id });
    await this.audit.record(tx, {
      ...eventOf(integration, systemActor('provisioning'), 'integration.deleted'),
      detail: { name },
    });
    tx.afterCommit(() => this.connections.close(id));
  }

  /** @throws Problem 400 that lists each field that the provider rejects */
  prepareRebind(integration: Integration, { settings, secret }: NewConnection): StoredConnection {
    const { id, secretCiphertext, secretKeyId } = integration;
    const provider = this.providers.get(integration.provider);
    const parsed = acceptSettings(() =>
      this.providers.parseSettings(provider.type, settings ?? integration.settings),
    );
    const binding = secretBinding(id);
    const opened = secret ?? this.secrets.open({ ciphertext: secretCiphertext, keyId: secretKeyId }, binding);
    acceptSettings(() => this.providers.checkSecret(provider.type, parsed, opened));
    // Do not write the stored secret back: that would undo a key rotation that ran in between.
    if (secret === undefined) return { settings: parsed };
    const sealed = this.secrets.seal(secret, binding);
    return { settings: parsed, secretCiphertext: sealed.ciphertext, secretKeyId: sealed.keyId };
  }

  /**
   * Pauses the integration and clears the account. The first run after an admin enables it records the new
   * account.
   *
   * @throws Problem 409 if the integration has changed since `prepareRebind`: this would undo that change
   */
  async rebind(
    tx: Transaction,
    admin: Admin,
    prepared: Integration,
    { settings, ...secret }: StoredConnection,
  ): Promise<void> {
    const current = await this.integrations.unchanged(tx, prepared);
    const { id } = current;
    await tx.manager.update(Integration, { id }, { settings });
    await this.integrations.raiseRevision(tx, id, {
      ...secret,
      ...NOT_SUSPENDED,
      mode: 'paused',
      accountIdentity: null,
      accountName: null,
      accountUrl: null,
      accountCheckedRevision: null,
      ...CONNECTION_UNKNOWN,
    });
    await this.audit.record(tx, {
      ...eventOf(current, admin.actor, 'integration.rebound'),
      detail: {
        formerAccount: current.accountUrl,
        changes: changesBetween({ settings: current.settings }, { settings }),
      },
    });
    if (current.mode !== 'paused') await logMode(tx, id, 'paused');
    await this.suspensions.recordResumed(tx, admin.actor, current, NOT_SUSPENDED);
  }

  /** @throws Problem 409 while the tenant has an integration, including one that is being deleted */
  async assertNone(tx: Transaction, tenantId: string): Promise<void> {
    const rows = await tx.query('SELECT id FROM integration WHERE tenantId = ? LIMIT 1', [tenantId]);
    if (rows.length === 0) return;
    throw new Problem('tenant_has_integrations');
  }
}
