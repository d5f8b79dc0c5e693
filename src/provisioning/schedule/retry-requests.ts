import { Injectable } from '@nestjs/common';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import type { Transaction } from '../../database/transaction-runner';
import { TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Integrations } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { Scheduler } from './scheduler';
import { WorkLedger } from './work-ledger';

/** What an admin wants tried now rather than when its time comes. */
@Injectable()
export class RetryRequests {
  constructor(
    private readonly integrations: Integrations,
    private readonly transactions: TransactionRunner,
    private readonly ledger: WorkLedger,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
    private readonly scheduler: Scheduler,
  ) {}

  /** Everything of the integration that waits: people who were not found, refusals, an account that was away. */
  async syncIntegration(admin: Admin, integrationId: string): Promise<void> {
    const { tenantId } = await this.integrations.get(admin, integrationId);
    await this.transactions.run(async (tx) => {
      await hurry(tx, 'integrationId = ?', [integrationId]);
      await this.ledger.hurry(tx, integrationId);
      await this.integrations.probeNow(tx, integrationId);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'integration.sync_requested',
        target: { type: 'integration', id: integrationId },
        tenantId,
        integrationId,
      });
      tx.afterCommit(() => this.scheduler.wake(integrationId));
    });
  }

  /** The whole target is looked at. Ends a suspension for lost visibility when missing teams are accepted. */
  async reconcile(admin: Admin, integrationId: string, acceptMissing: boolean): Promise<void> {
    const { tenantId, suspensionReason } = await this.integrations.get(admin, integrationId);
    await this.transactions.run(async (tx) => {
      if (acceptMissing && suspensionReason === VISIBILITY_LOST) {
        await this.integrations.endSuspension(tx, integrationId);
      }
      await this.ledger.requestReconciliation(tx, integrationId, acceptMissing);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'integration.reconciliation_requested',
        target: { type: 'integration', id: integrationId },
        tenantId,
        integrationId,
        detail: { acceptMissing },
      });
      tx.afterCommit(() => this.scheduler.wake(integrationId));
    });
  }

  /** One group, compared as a whole. */
  async retryGroup(admin: Admin, integrationId: string, groupId: string): Promise<void> {
    const { tenantId } = await this.integrations.get(admin, integrationId);
    await this.transactions.run(async (tx) => {
      const [group] = await tx.query(
        `SELECT g.id FROM scim_group g LEFT JOIN remote_group r ON r.groupId = g.id
         WHERE g.id = ? AND g.integrationId = ? AND (g.deletedAt IS NULL OR r.id IS NOT NULL)`,
        [groupId, integrationId],
      );
      if (!group) throw Problem.notFound('group');
      await hurry(tx, 'integrationId = ? AND groupId = ?', [integrationId, groupId]);
      await this.marks.mark(tx, integrationId, new Map([[groupId, []]]), true);
      await this.ledger.hurry(tx, integrationId);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'group.retry_requested',
        target: { type: 'group', id: groupId },
        tenantId,
        integrationId,
      });
    });
  }
}

/**
 * What waits is tried now.
 *
 * @param which condition on `remote_group`
 */
export async function hurry(tx: Transaction, which: string, params: readonly unknown[]): Promise<void> {
  const now = Date.now();
  const groups = `SELECT id FROM remote_group WHERE ${which}`;
  await tx.query(
    `UPDATE remote_user SET nextCheckAt = ? WHERE remoteUserId IS NULL AND userId IN
       (SELECT userId FROM parked_member WHERE remoteGroupId IN (${groups}))`,
    [now, ...params],
  );
  await tx.query(`UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId IN (${groups})`, [
    now,
    ...params,
  ]);
  await tx.query(
    `UPDATE remote_member SET nextAttemptAt = ? WHERE nextAttemptAt IS NOT NULL AND remoteGroupId IN (${groups})`,
    [now, ...params],
  );
  await tx.query(
    `UPDATE remote_group SET notBefore = NULL, nextAttemptAt = ?,
       nameNextAttemptAt = CASE WHEN nameNextAttemptAt IS NULL THEN NULL ELSE ? END
     WHERE ${which} AND nextAttemptAt IS NOT NULL`,
    [now, now, ...params],
  );
}
