import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { type ExpectedVersions, assertExpected } from '../../admin-api/if-match';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { CredentialRefused } from '../../integrations/connection-test/credential-refused';
import {
  type IntegrationEdit,
  IntegrationEdits,
  type IntegrationPatch,
} from '../../integrations/integration-edits.service';
import { IntegrationLifecycle, type NewConnection } from '../../integrations/integration-lifecycle.service';
import type { DeletedTeams, Integration } from '../../integrations/integration.entity';
import { Integrations, assertNotBeingDeleted } from '../../integrations/integrations.service';
import type { IntegrationPolicies } from '../../integrations/policies';
import { ROLE_REFUSED } from '../../integrations/provider/provider-error';
import type { Admin } from '../../tenants/authentication/admin';
import { RemoteRows } from '../state/remote-rows';
import { forgetRefusals, makeGroupsDue } from '../state/waiting-groups';
import { Leases } from './lease';
import { WorkLedger } from './work-ledger';

/** Requests of admins to change, delete or rebind an integration. */
@Injectable()
export class LifecycleRequests {
  constructor(
    private readonly integrations: Integrations,
    private readonly edits: IntegrationEdits,
    private readonly lifecycle: IntegrationLifecycle,
    private readonly transactions: TransactionRunner,
    private readonly ledger: WorkLedger,
    private readonly leases: Leases,
    private readonly remoteRows: RemoteRows,
    private readonly marks: ChangeMarks,
  ) {}

  /** Records a refusal of the target outside the transaction, which rolls back. */
  async change(
    admin: Admin,
    integration: Integration,
    patch: IntegrationPatch,
    expected: ExpectedVersions,
  ): Promise<Integration> {
    assertNotBeingDeleted(integration);
    assertExpected(expected, integration);
    try {
      const edit = await this.edits.prepare(admin, integration, patch);
      await this.applyEdit(admin, integration, edit);
    } catch (error) {
      if (error instanceof CredentialRefused) {
        await this.integrations.recordRefused(admin, integration, 'integration.changed', error.reason);
      }
      throw error;
    }
    return this.integrations.get(admin, integration.id);
  }

  /** A policy change about remote groups or members makes the engine compare every group again. */
  private async applyEdit(admin: Admin, integration: Integration, edit: IntegrationEdit): Promise<void> {
    const { id: integrationId } = integration;
    const decidesAnew = !isDeepStrictEqual(
      decisionsAboutGroups(integration.policies),
      decisionsAboutGroups(edit.policies),
    );
    await this.transactions.run(
      async (tx) => {
        await this.edits.apply(tx, admin, integration, edit);
        if (decidesAnew) await this.compareEverything(tx, admin, integrationId);
        // A call that the target refused under one policy may be allowed, or unnecessary, under another.
        if (edit.policies.onGroupDelete !== integration.policies.onGroupDelete) {
          await makeGroupsDue(tx, 'integrationId = ? AND deletingSince IS NOT NULL', [integrationId]);
        }
        if (edit.policies.memberRole !== integration.policies.memberRole) {
          await forgetRefusals(tx, integrationId, ROLE_REFUSED);
        }
        if (wantsRun(integration, edit)) await this.ledger.scheduleNow(tx, integrationId);
      },
      { lane: integrationId, big: decidesAnew },
    );
  }

  /** A second request may choose another mode for the remote groups, and makes everything that waits due now. */
  async delete(
    admin: Admin,
    { id: integrationId }: Integration,
    teams: DeletedTeams,
    expected: ExpectedVersions,
  ): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.lifecycle.beginDeletion(tx, admin, integrationId, teams, expected);
      await tx.query(
        'UPDATE remote_group SET notBefore = NULL WHERE integrationId = ? AND notBefore IS NOT NULL',
        [integrationId],
      );
      await this.ledger.beginDeletion(tx, integrationId);
    });
  }

  /**
   * In one transaction, even for a large record of the former account: a later run would take the rest of that
   * record for the state of the new account.
   */
  async rebind(
    admin: Admin,
    integration: Integration,
    connection: NewConnection,
    expected: ExpectedVersions,
  ): Promise<Integration> {
    assertNotBeingDeleted(integration);
    assertExpected(expected, integration);
    const { id: integrationId } = integration;
    const stored = this.lifecycle.prepareRebind(integration, connection);
    await this.transactions.run(
      async (tx) => {
        await this.leases.revoke(tx, integrationId);
        await this.lifecycle.rebind(tx, admin, integration, stored);
        await this.remoteRows.remove((work) => work(tx), integrationId);
        await this.compareEverything(tx, admin, integrationId);
      },
      { lane: integrationId, big: true },
    );
    return this.integrations.get(admin, integrationId);
  }

  private async compareEverything(tx: Transaction, admin: Admin, integrationId: string): Promise<void> {
    const groups = await tx.query<{ id: string }>(
      'SELECT id FROM scim_group WHERE integrationId = ? AND deletedAt IS NULL',
      [integrationId],
    );
    const groupIds = groups.map(({ id }) => id);
    await this.marks.markWhole(tx, integrationId, groupIds, admin.actor.requestId);
  }
}

/** A new name changes nothing in the target and says nothing about earlier failures. */
function wantsRun(before: Integration, { settings, policies }: IntegrationEdit): boolean {
  return !isDeepStrictEqual({ settings: before.settings, policies: before.policies }, { settings, policies });
}

function decisionsAboutGroups({ existingTeams, unmanagedMembers }: IntegrationPolicies) {
  return { existingTeams, unmanagedMembers };
}
