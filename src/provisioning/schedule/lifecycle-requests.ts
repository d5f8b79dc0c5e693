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

/** An admin ends an integration, or has it begin anew in whatever account it then reaches. */
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

  /** What the target refuses is written down: outside of the transaction, which has it undone. */
  async change(
    admin: Admin,
    integrationId: string,
    patch: IntegrationPatch,
    expected: ExpectedVersions,
  ): Promise<Integration> {
    const integration = await this.integrations.get(admin, integrationId);
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
    return this.integrations.get(admin, integrationId);
  }

  /** What a policy decides about teams and members is decided anew for every group. */
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
        // What the target refused under one policy may be possible, or not be asked of it, under another.
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

  /** Asked again it takes another way with the teams, and tries at once whatever it was waiting for. */
  async delete(
    admin: Admin,
    integrationId: string,
    teams: DeletedTeams,
    expected: ExpectedVersions,
  ): Promise<void> {
    await this.integrations.get(admin, integrationId);
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
   * In one transaction, however much is known of the former account: half of it, with another account behind the
   * connection, would be taken for what is there.
   */
  async rebind(
    admin: Admin,
    integrationId: string,
    connection: NewConnection,
    expected: ExpectedVersions,
  ): Promise<Integration> {
    const integration = await this.integrations.get(admin, integrationId);
    assertNotBeingDeleted(integration);
    assertExpected(expected, integration);
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

/** Another name changes nothing in the target, and says nothing of what failed there. */
function wantsRun(before: Integration, { settings, policies }: IntegrationEdit): boolean {
  return !isDeepStrictEqual({ settings: before.settings, policies: before.policies }, { settings, policies });
}

function decisionsAboutGroups({ existingTeams, unmanagedMembers }: IntegrationPolicies) {
  return { existingTeams, unmanagedMembers };
}
