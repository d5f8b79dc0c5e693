import { Injectable } from '@nestjs/common';
import { Problem } from '../admin-api/problem';
import { systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import { FOR_UPDATE } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import { SecretBox } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { secretBinding } from './connections/connections.service';
import { type DeletedTeams, Integration } from './integration.entity';
import { type StateChange, Integrations, acceptSettings } from './integrations.service';
import { SettingsError } from './provider/provider-error';
import { ProviderRegistry } from './provider/provider-registry';
import { ScimKey } from './scim-keys/scim-key.entity';

/** What a rebind changes; what is left out stays as it is. */
export interface NewConnection {
  settings?: object;
  secret?: string;
}

/** Settings and sealed secret as they are stored. */
export type StoredConnection = Pick<Integration, 'settings' | 'secretCiphertext' | 'secretKeyId'>;

const NOT_SUSPENDED: StateChange = {
  suspensionReason: null,
  suspensionMessage: null,
  suspendedSince: null,
  nextProbeAt: null,
};

/** How an integration ends, and how it begins anew. What it has in the target is the business of the caller. */
@Injectable()
export class IntegrationLifecycle {
  constructor(
    private readonly integrations: Integrations,
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    private readonly audit: AuditLog,
  ) {}

  /**
   * SCIM answers 401 from the commit on. A suspension ends: the engine finds out for itself whether the target can be
   * reached. Whoever chose to leave the teams has ended it: nothing else is taken up again.
   */
  async beginDeletion(tx: Transaction, admin: Admin, id: string, teams: DeletedTeams): Promise<void> {
    const current = await locked(tx, id);
    await this.integrations.raiseRevision(tx, id, {
      ...NOT_SUSPENDED,
      deletingSince: current.deletingSince ?? Date.now(),
      deletingTeams: current.deletingTeams === 'leave' ? 'leave' : teams,
    });
    await this.audit.record(tx, {
      actor: admin.actor,
      action: 'integration.deletion_requested',
      target: { type: 'integration', id },
      tenantId: current.tenantId,
      integrationId: id,
      detail: { name: current.name, teams },
    });
  }

  /** The last that goes of an integration; what was audited stays. */
  async remove(tx: Transaction, { id, tenantId, name }: Integration): Promise<void> {
    await tx.manager.delete(ScimKey, { integrationId: id });
    await tx.manager.delete(Integration, { id });
    await this.audit.record(tx, {
      actor: systemActor('provisioning'),
      action: 'integration.deleted',
      target: { type: 'integration', id },
      tenantId,
      integrationId: id,
      detail: { name },
    });
  }

  /** @throws Problem 400 naming each field that the provider does not accept */
  prepareRebind(integration: Integration, { settings, secret }: NewConnection): StoredConnection {
    const { id, secretCiphertext, secretKeyId } = integration;
    const provider = this.providers.get(integration.provider);
    const parsed = acceptSettings(() => provider.parseSettings(settings ?? integration.settings));
    const binding = secretBinding(id);
    const opened = secret ?? this.secrets.open({ ciphertext: secretCiphertext, keyId: secretKeyId }, binding);
    acceptSettings(() => {
      const problems = provider.checkSecret(parsed, opened);
      if (problems.length > 0) throw new SettingsError(problems);
    });
    if (secret === undefined) return { settings: parsed, secretCiphertext, secretKeyId };
    const sealed = this.secrets.seal(secret, binding);
    return { settings: parsed, secretCiphertext: sealed.ciphertext, secretKeyId: sealed.keyId };
  }

  /** Paused and with no account: what it writes to shows itself at the first run after an admin enables it. */
  async rebind(
    tx: Transaction,
    admin: Admin,
    integration: Integration,
    { settings, ...secret }: StoredConnection,
  ): Promise<void> {
    const { id, tenantId } = integration;
    assertStays(await locked(tx, id));
    await tx.manager.update(Integration, { id }, { settings });
    await this.integrations.raiseRevision(tx, id, {
      ...secret,
      ...NOT_SUSPENDED,
      mode: 'paused',
      accountIdentity: null,
      accountName: null,
      accountUrl: null,
      accountCheckedRevision: null,
      connectionStatus: 'unknown',
      connectionReason: null,
      connectionMessage: null,
      connectionCheckedAt: null,
    });
    await this.audit.record(tx, {
      actor: admin.actor,
      action: 'integration.rebound',
      target: { type: 'integration', id },
      tenantId,
      integrationId: id,
      detail: { formerAccount: integration.accountUrl },
    });
  }

  /** @throws Problem 409 while the tenant has an integration, be it one that is being deleted */
  async assertNone(tx: Transaction, tenantId: string): Promise<void> {
    const rows = await tx.query('SELECT id FROM integration WHERE tenantId = ? LIMIT 1', [tenantId]);
    if (rows.length === 0) return;
    throw Problem.conflict(
      'tenant_has_integrations',
      'The tenant has integrations. Delete them first, and wait until they are gone.',
    );
  }
}

/** @throws Problem 409 for an integration that is being deleted */
export function assertStays({ deletingSince }: Integration): void {
  if (deletingSince === null) return;
  throw Problem.conflict('integration_deleting', 'The integration is being deleted.');
}

/** @throws Problem 404 when it is gone by now */
async function locked(tx: Transaction, id: string): Promise<Integration> {
  await tx.query(`SELECT id FROM integration WHERE id = ?${FOR_UPDATE}`, [id]);
  const integration = await tx.manager.findOneBy(Integration, { id });
  if (!integration) throw Problem.notFound('integration');
  return integration;
}
