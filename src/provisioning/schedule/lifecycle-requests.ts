import { Injectable } from '@nestjs/common';
import { TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import {
  IntegrationLifecycle,
  type NewConnection,
  assertStays,
} from '../../integrations/integration-lifecycle.service';
import type { DeletedTeams, Integration } from '../../integrations/integration.entity';
import { Integrations } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import { RemoteRows } from '../state/remote-rows';
import { Leases } from './lease';
import { WorkLedger } from './work-ledger';

/** An admin ends an integration, or has it begin anew in whatever account it then reaches. */
@Injectable()
export class LifecycleRequests {
  constructor(
    private readonly integrations: Integrations,
    private readonly lifecycle: IntegrationLifecycle,
    private readonly transactions: TransactionRunner,
    private readonly ledger: WorkLedger,
    private readonly leases: Leases,
    private readonly remoteRows: RemoteRows,
    private readonly marks: ChangeMarks,
  ) {}

  /** Asked again it takes another way with the teams, and tries at once whatever it was waiting for. */
  async delete(admin: Admin, integrationId: string, teams: DeletedTeams): Promise<void> {
    await this.integrations.get(admin, integrationId);
    await this.transactions.run(async (tx) => {
      await this.lifecycle.beginDeletion(tx, admin, integrationId, teams);
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
  async rebind(admin: Admin, integrationId: string, connection: NewConnection): Promise<Integration> {
    const integration = await this.integrations.get(admin, integrationId);
    assertStays(integration);
    const stored = this.lifecycle.prepareRebind(integration, connection);
    await this.transactions.run(
      async (tx) => {
        await this.leases.revoke(tx, integrationId);
        await this.lifecycle.rebind(tx, admin, integration, stored);
        await this.remoteRows.remove((work) => work(tx), integrationId);
        const groups = await tx.query<{ id: string }>(
          'SELECT id FROM scim_group WHERE integrationId = ? AND deletedAt IS NULL',
          [integrationId],
        );
        await this.marks.mark(tx, integrationId, new Map(groups.map(({ id }) => [id, []])), true);
        await this.ledger.hurry(tx, integrationId);
      },
      { lane: integrationId, big: true },
    );
    return this.integrations.get(admin, integrationId);
  }
}
