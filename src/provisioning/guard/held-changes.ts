import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import { chunksOf } from '../../database/chunks';
import { FOR_UPDATE, inList } from '../../database/dialect';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Integrations } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import type { HeldChange, HeldDecision, HeldItemState } from './guard.entities';

export interface HeldChangeRow extends HeldChange {
  displayName: string | null;
  /** Items that are still in the state of the change. */
  open: number;
}

export interface HeldItemRow {
  groupId: string;
  displayName: string | null;
  /** Remote user; empty for the deletion of the team. */
  subject: string;
  userName: string | null;
  state: HeldItemState;
}

/** What waits for an admin because it was too much at once, and what became of it. */
@Injectable()
export class HeldChanges {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly integrations: Integrations,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
  ) {}

  async list(integrationId: string, after: string, limit: number): Promise<HeldChangeRow[]> {
    const rows = await this.reader.query<HeldChangeRow[]>(
      `SELECT c.id AS id, c.integrationId AS integrationId, c.scope AS scope, c.groupId AS groupId,
              c.message AS message, c.createdAt AS createdAt, c.decision AS decision, c.decidedAt AS decidedAt,
              c.decidedBy AS decidedBy, c.note AS note, g.displayName AS displayName,
              (SELECT COUNT(*) FROM held_item i WHERE i.heldChangeId = c.id) AS open
       FROM held_change c LEFT JOIN scim_group g ON g.id = c.groupId
       WHERE c.integrationId = ? AND c.id > ? ORDER BY c.id LIMIT ?`,
      [integrationId, after, limit],
    );
    return rows.map((row) => ({
      ...row,
      createdAt: Number(row.createdAt),
      decidedAt: row.decidedAt === null ? null : Number(row.decidedAt),
      open: Number(row.open),
    }));
  }

  items(heldChangeId: string, limit: number): Promise<HeldItemRow[]> {
    return this.reader.query<HeldItemRow[]>(
      `SELECT i.groupId AS groupId, i.subject AS subject, i.state AS state, g.displayName AS displayName,
              (SELECT MIN(u.userName) FROM remote_user r JOIN scim_user u ON u.id = r.userId
               WHERE r.integrationId = i.integrationId AND r.remoteUserId = i.subject) AS userName
       FROM held_item i LEFT JOIN scim_group g ON g.id = i.groupId
       WHERE i.heldChangeId = ? ORDER BY i.groupId, i.subject LIMIT ?`,
      [heldChangeId, limit],
    );
  }

  /** What was listed may be carried out as far as it is still wanted; what comes later is held anew. */
  approve(admin: Admin, id: string): Promise<void> {
    return this.decide(admin, id, 'approved', null);
  }

  /** What was listed is left undone until the IdP changes its mind about it, or the pins are lifted. */
  reject(admin: Admin, id: string, note: string | null): Promise<void> {
    return this.decide(admin, id, 'rejected', note);
  }

  /** Lifts the pins of a rejection: what is still wanted is planned again, and may be held again. */
  async lift(admin: Admin, id: string): Promise<void> {
    const change = await this.get(admin, id);
    await this.transactions.run(async (tx) => {
      const groupIds = await groupsOf(tx, id);
      await tx.query('DELETE FROM held_item WHERE heldChangeId = ?', [id]);
      await tx.query('DELETE FROM held_change WHERE id = ?', [id]);
      await this.compareAgain(tx, change.integrationId, groupIds);
      await this.record(tx, admin, change, 'held_change.lifted');
    });
  }

  private async decide(admin: Admin, id: string, decision: HeldDecision, note: string | null): Promise<void> {
    const change = await this.get(admin, id);
    await this.transactions.run(async (tx) => {
      const [row] = await tx.query<{ decision: string | null }>(
        `SELECT decision FROM held_change WHERE id = ?${FOR_UPDATE}`,
        [id],
      );
      if (!row) throw Problem.notFound('held change');
      if (row.decision !== null) {
        throw Problem.conflict('decided_already', `This change has been ${row.decision} already.`);
      }
      await tx.query(
        'UPDATE held_change SET decision = ?, decidedAt = ?, decidedBy = ?, note = ? WHERE id = ?',
        [decision, Date.now(), admin.actor.name, note, id],
      );
      await tx.query('UPDATE held_item SET state = ? WHERE heldChangeId = ?', [
        decision === 'approved' ? 'approved' : 'pinned',
        id,
      ]);
      await this.compareAgain(tx, change.integrationId, await groupsOf(tx, id));
      await this.record(tx, admin, change, `held_change.${decision}`);
    });
  }

  private async compareAgain(
    tx: Transaction,
    integrationId: string,
    groupIds: readonly string[],
  ): Promise<void> {
    for await (const some of chunksOf(groupIds)) {
      await tx.query(
        `UPDATE remote_group SET notBefore = NULL WHERE integrationId = ? AND groupId IN (${inList(some)})`,
        [integrationId, ...some],
      );
    }
    await this.marks.mark(tx, integrationId, new Map(groupIds.map((groupId) => [groupId, []])), true);
  }

  /** @throws Problem 404, also for a change of another tenant's integration */
  private async get(
    admin: Admin,
    id: string,
  ): Promise<{ id: string; integrationId: string; tenantId: string }> {
    const [row] = await this.reader.query<{ integrationId: string }[]>(
      'SELECT integrationId FROM held_change WHERE id = ?',
      [id],
    );
    if (!row) throw Problem.notFound('held change');
    const { tenantId } = await this.integrations.get(admin, row.integrationId);
    return { id, integrationId: row.integrationId, tenantId };
  }

  private record(
    tx: Transaction,
    admin: Admin,
    { id, integrationId, tenantId }: { id: string; integrationId: string; tenantId: string },
    action: string,
  ): Promise<void> {
    return this.audit.record(tx, {
      actor: admin.actor,
      action,
      target: { type: 'held_change', id },
      tenantId,
      integrationId,
    });
  }
}

async function groupsOf(tx: Transaction, heldChangeId: string): Promise<string[]> {
  const rows = await tx.query<{ groupId: string }>(
    'SELECT DISTINCT groupId FROM held_item WHERE heldChangeId = ?',
    [heldChangeId],
  );
  return rows.map(({ groupId }) => groupId);
}
