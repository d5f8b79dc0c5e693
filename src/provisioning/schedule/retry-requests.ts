import { Injectable } from '@nestjs/common';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import type { Transaction } from '../../database/transaction-runner';
import { TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Integrations } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { EMAIL_DIFFERS } from '../plan/link-plan';
import { GROUPS, IS_LISTED } from '../state/listed-groups';
import { makeGroupsDue } from '../state/waiting-groups';
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
      await makeGroupsDue(tx, 'integrationId = ?', [integrationId]);
      await hurryReviews(tx, integrationId);
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

  /**
   * The whole target is looked at. A suspension for lost visibility ends at once when missing teams are accepted, else when
   * that look sees the teams again.
   */
  async reconcile(admin: Admin, integrationId: string, acceptMissing: boolean): Promise<void> {
    const { tenantId, suspensionReason } = await this.integrations.get(admin, integrationId);
    await this.transactions.run(async (tx) => {
      if (acceptMissing && suspensionReason === VISIBILITY_LOST) {
        await this.integrations.endSuspension(tx, admin, integrationId);
      } else {
        await this.integrations.lookAgain(tx, integrationId);
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
        `SELECT g.id FROM ${GROUPS} WHERE g.id = ? AND g.integrationId = ? AND ${IS_LISTED}`,
        [groupId, integrationId],
      );
      if (!group) throw Problem.notFound('group');
      await makeGroupsDue(tx, 'integrationId = ? AND groupId = ?', [integrationId, groupId]);
      await hurryReviews(tx, integrationId, groupId);
      await this.marks.markWhole(tx, integrationId, [groupId], admin.actor.requestId);
      await this.ledger.hurry(tx, integrationId);
      await this.integrations.probeNow(tx, integrationId);
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

/** Those who are in their teams as whom they were by a former address are looked for again now. */
async function hurryReviews(tx: Transaction, integrationId: string, groupId?: string): Promise<void> {
  const members =
    groupId === undefined ? '' : 'AND userId IN (SELECT userId FROM group_member WHERE groupId = ?)';
  await tx.query(
    `UPDATE remote_user SET nextCheckAt = ? WHERE integrationId = ? AND reason = '${EMAIL_DIFFERS}' ${members}`,
    [Date.now(), integrationId, ...(groupId === undefined ? [] : [groupId])],
  );
}
