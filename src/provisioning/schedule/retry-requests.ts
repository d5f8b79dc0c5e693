import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import type { Transaction } from '../../database/transaction-runner';
import { TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { TestedConnections } from '../../integrations/connection-test/tested-connections';
import type { Integration } from '../../integrations/integration.entity';
import { RunRequests } from '../../integrations/run-requests';
import type { Admin } from '../../tenants/authentication/admin';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { Suspensions } from '../../integrations/suspensions.service';
import { GROUPS, IS_LISTED } from '../state/listed-groups';
import { forgetFailures, noteAskedFor } from '../state/waiting-groups';
import { Scheduler } from './scheduler';
import { WorkLedger } from './work-ledger';

/** After this time the run that a sync requests has begun. */
const LOOKED_AT_AFTER_MS = 1_000;

/** Requests of admins to retry now what is due later. */
@Injectable()
export class RetryRequests implements OnModuleInit {
  constructor(
    private readonly suspensions: Suspensions,
    private readonly transactions: TransactionRunner,
    private readonly ledger: WorkLedger,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
    private readonly scheduler: Scheduler,
    private readonly tests: TestedConnections,
    private readonly runs: RunRequests,
  ) {}

  onModuleInit(): void {
    this.tests.register((tx, integrationId) => this.tryEverything(tx, integrationId));
    this.runs.register((tx, integrationId) => this.ledger.scheduleAllNow(tx, integrationId));
  }

  /**
   * Retries everything in the integration that waits: failed look-ups, refusals, an unresponsive account. A look
   * at the whole target follows: only that look shows if the members are still the right ones.
   */
  async syncIntegration(admin: Admin, { id: integrationId, tenantId }: Integration): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.tryEverything(tx, integrationId);
      await this.ledger.expediteReconciliation(tx, integrationId, LOOKED_AT_AFTER_MS);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'integration.sync_requested',
        target: { type: 'integration', id: integrationId },
        tenantId,
        integrationId,
      });
    });
  }

  /**
   * Looks at the whole target, then retries everything that waits. A suspension for lost visibility ends at once
   * if the admin accepts missing remote groups, else when the look sees the remote groups again.
   */
  async reconcile(admin: Admin, integration: Integration, acceptMissing: boolean): Promise<void> {
    const { id: integrationId, tenantId, suspensionReason } = integration;
    await this.transactions.run(async (tx) => {
      if (acceptMissing && suspensionReason === VISIBILITY_LOST) {
        await this.suspensions.endSuspension(tx, admin, integrationId);
      } else {
        await this.suspensions.scheduleVisibilityProbe(tx, integrationId);
      }
      await this.askTheTarget(tx, integrationId);
      await this.ledger.requestReconciliation(tx, integrationId, acceptMissing);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'integration.reconciliation_requested',
        target: { type: 'integration', id: integrationId },
        tenantId,
        integrationId,
        detail: { acceptMissing },
      });
    });
  }

  /** Compares one whole group. */
  async retryGroup(
    admin: Admin,
    { id: integrationId, tenantId }: Integration,
    groupId: string,
  ): Promise<void> {
    await this.transactions.run(async (tx) => {
      const [group] = await tx.query(
        `SELECT g.id FROM ${GROUPS} WHERE g.id = ? AND g.integrationId = ? AND ${IS_LISTED}`,
        [groupId, integrationId],
      );
      if (!group) throw Problem.notFound('group');
      await forgetFailures(tx, integrationId, groupId);
      await noteAskedFor(tx, integrationId, groupId);
      await this.marks.markWhole(tx, integrationId, [groupId], admin.actor.requestId);
      await this.askTheTarget(tx, integrationId);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'group.retry_requested',
        target: { type: 'group', id: groupId },
        tenantId,
        integrationId,
      });
    });
  }

  /** Retries everything in the integration that failed. */
  private async tryEverything(tx: Transaction, integrationId: string): Promise<void> {
    await forgetFailures(tx, integrationId);
    await this.askTheTarget(tx, integrationId);
    await this.ledger.scheduleAllNow(tx, integrationId);
  }

  /** Ignores a backoff of the account and a suspension. The next run also forgets a refused token. */
  private async askTheTarget(tx: Transaction, integrationId: string): Promise<void> {
    await this.ledger.scheduleNow(tx, integrationId);
    await this.suspensions.probeSoon(tx, integrationId);
    tx.afterCommit(() => this.scheduler.wake(integrationId));
  }
}
