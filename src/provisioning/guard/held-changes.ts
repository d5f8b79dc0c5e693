import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import { chunksOf } from '../../database/chunks';
import { FOR_UPDATE, inList } from '../../database/dialect';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Slice } from '../../event-loop/slice';
import type { Integration } from '../../integrations/integration.entity';
import { Integrations } from '../../integrations/integrations.service';
import type { Admin } from '../../tenants/authentication/admin';
import type { HeldChange, HeldDecision, HeldItemState } from './guard.entities';

export interface HeldChangeRow extends HeldChange {
  displayName: string | null;
  /** Items that still belong to the change. */
  open: number;
}

type LockedChange = Pick<
  HeldChange,
  | 'id'
  | 'integrationId'
  | 'scope'
  | 'groupId'
  | 'message'
  | 'decision'
  | 'note'
  | 'revision'
  | 'listedRevision'
>;

export interface HeldItemRow {
  groupId: string;
  displayName: string | null;
  /** Remote user; empty for the deletion of the remote group. */
  subject: string;
  userName: string | null;
  state: HeldItemState;
  revision: number;
}

/** The item before a page of items. */
export type HeldItemKey = Pick<HeldItemRow, 'groupId' | 'subject'>;

/**
 * Removals and deletions that wait for an admin because they were too many at once, and the decisions about them.
 */
@Injectable()
export class HeldChanges {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly integrations: Integrations,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
  ) {}

  /**
   * A page of an integration's held changes, and one more row if there are more. From now on an admin can decide
   * about the page as it is listed.
   */
  async list(integrationId: string, after: string, limit: number): Promise<HeldChangeRow[]> {
    const rows = await this.reader.query<(HeldChange & Pick<HeldChangeRow, 'displayName'>)[]>(
      `SELECT c.id AS id, c.integrationId AS integrationId, c.scope AS scope, c.groupId AS groupId,
              c.message AS message, c.createdAt AS createdAt, c.revision AS revision,
              c.listedRevision AS listedRevision, c.decision AS decision, c.decidedAt AS decidedAt,
              c.decidedBy AS decidedBy, c.note AS note, g.displayName AS displayName
       FROM held_change c LEFT JOIN scim_group g ON g.id = c.groupId
       WHERE c.integrationId = ? AND c.id > ? ORDER BY c.id LIMIT ?`,
      [integrationId, after, limit + 1],
    );
    await this.noteListed(rows.slice(0, limit));
    const slice = new Slice();
    const changes: HeldChangeRow[] = [];
    for (const row of rows) {
      changes.push({
        ...row,
        createdAt: Number(row.createdAt),
        decidedAt: row.decidedAt === null ? null : Number(row.decidedAt),
        open: await this.itemsIn(slice, row.id),
      });
    }
    return changes;
  }

  /** In slices: a change of a whole integration may have an item for each membership. */
  private async itemsIn(pauses: Pauses, heldChangeId: string): Promise<number> {
    const slices = keysetSlices<HeldItemKey>(pauses, (last, limit) =>
      this.reader.query(
        `SELECT i.groupId AS groupId, i.subject AS subject FROM held_item i WHERE i.heldChangeId = ? AND ${AFTER_ITEM}
         ORDER BY i.groupId, i.subject LIMIT ?`,
        [heldChangeId, ...afterItem(last), limit],
      ),
    );
    let items = 0;
    for await (const some of slices) items += some.length;
    return items;
  }

  /** @throws Problem 404 */
  async itemsPage(
    admin: Admin,
    id: string,
    after: HeldItemKey | null,
    limit: number,
  ): Promise<HeldItemRow[]> {
    await this.integrationOf(admin, id);
    return this.items(id, after, limit);
  }

  items(heldChangeId: string, after: HeldItemKey | null, limit: number): Promise<HeldItemRow[]> {
    return this.reader.query<HeldItemRow[]>(
      `SELECT i.groupId AS groupId, i.subject AS subject, i.state AS state, i.revision AS revision,
              g.displayName AS displayName,
              (SELECT MIN(u.userName) FROM remote_user r JOIN scim_user u ON u.id = r.userId
               WHERE r.integrationId = i.integrationId AND r.remoteUserId = i.subject) AS userName
       FROM held_item i LEFT JOIN scim_group g ON g.id = i.groupId
       WHERE i.heldChangeId = ? AND ${AFTER_ITEM} ORDER BY i.groupId, i.subject LIMIT ?`,
      [heldChangeId, ...afterItem(after), limit],
    );
  }

  /**
   * Approves the listed items as far as the IdP still wants them. Later items stay held.
   *
   * @param revision the revision that the admin saw; null for the last listed one
   */
  approve(admin: Admin, id: string, revision: number | null): Promise<void> {
    return this.decide(admin, id, { decision: 'approved', revision, note: null });
  }

  /**
   * Pins the listed items: the engine does not carry them out until the IdP withdraws them or an admin lifts the
   * pins.
   */
  reject(admin: Admin, id: string, revision: number | null, note: string | null): Promise<void> {
    return this.decide(admin, id, { decision: 'rejected', revision, note });
  }

  /**
   * Lifts the pins of a rejection. The engine plans again what the IdP still wants, and the guard may hold it
   * again.
   */
  async lift(admin: Admin, id: string): Promise<void> {
    const integration = await this.integrationOf(admin, id);
    await this.transactions.run(async (tx) => {
      const change = await locked(tx, id);
      const about = await describe(tx, change);
      const groupIds = await groupsOf(tx, id);
      await tx.query('DELETE FROM held_item WHERE heldChangeId = ?', [id]);
      await tx.query('DELETE FROM held_change WHERE id = ?', [id]);
      await this.compareAgain(tx, integration.id, groupIds);
      await this.record(tx, admin, integration, id, 'held_change.lifted', {
        ...about,
        decision: change.decision,
        note: change.note,
      });
    });
  }

  private async noteListed(rows: readonly HeldChange[]): Promise<void> {
    const grown = rows.filter(
      ({ decision, revision, listedRevision }) => decision === null && revision > (listedRevision ?? 0),
    );
    if (grown.length === 0) return;
    await this.transactions.run(async (tx) => {
      for (const { id, revision } of grown) {
        await tx.query(
          `UPDATE held_change SET listedRevision = ?
           WHERE id = ? AND decision IS NULL AND (listedRevision IS NULL OR listedRevision < ?)`,
          [revision, id, revision],
        );
      }
    });
  }

  private async decide(
    admin: Admin,
    id: string,
    { decision, revision, note }: { decision: HeldDecision; revision: number | null; note: string | null },
  ): Promise<void> {
    const integration = await this.integrationOf(admin, id);
    await this.transactions.run(async (tx) => {
      const change = await locked(tx, id);
      if (change.decision !== null) {
        throw new Problem('decided_already', `This change has been ${change.decision} already.`);
      }
      const heldLater = await splitOff(tx, change, listedUpTo(change, revision));
      await tx.query(
        'UPDATE held_change SET decision = ?, decidedAt = ?, decidedBy = ?, note = ? WHERE id = ?',
        [decision, Date.now(), admin.actor.name, note, id],
      );
      await tx.query(
        'UPDATE held_item SET state = ?, lookAt = NULL, leaverToldAt = NULL WHERE heldChangeId = ?',
        [decision === 'approved' ? 'approved' : 'pinned', id],
      );
      await this.compareAgain(tx, integration.id, await groupsOf(tx, id));
      const about = await describe(tx, change);
      await this.record(tx, admin, integration, id, `held_change.${decision}`, { ...about, note, heldLater });
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
    await this.marks.markWhole(tx, integrationId, groupIds);
  }

  /** @throws Problem 404, also for a change of another tenant's integration */
  private async integrationOf(admin: Admin, id: string): Promise<Integration> {
    const ofTheTenant = admin.tenantId === null ? '' : ' AND i.tenantId = ?';
    const [row] = await this.reader.query<{ integrationId: string }[]>(
      `SELECT h.integrationId AS integrationId FROM held_change h JOIN integration i ON i.id = h.integrationId
       WHERE h.id = ?${ofTheTenant}`,
      admin.tenantId === null ? [id] : [id, admin.tenantId],
    );
    if (!row) throw Problem.notFound('held change');
    return this.integrations.get(admin, row.integrationId);
  }

  private record(
    tx: Transaction,
    admin: Admin,
    { id: integrationId, tenantId }: Integration,
    id: string,
    action: string,
    detail: Record<string, unknown>,
  ): Promise<void> {
    return this.audit.record(tx, {
      actor: admin.actor,
      action,
      target: { type: 'held_change', id },
      tenantId,
      integrationId,
      detail,
    });
  }
}

/** For the index: it finds the group and then skips only items of that group. */
const AFTER_ITEM = 'i.groupId >= ? AND (i.groupId > ? OR i.subject > ?)';

function afterItem(after: HeldItemKey | null): string[] {
  return [after?.groupId ?? '', after?.groupId ?? '', after?.subject ?? ''];
}

/**
 * Locks the change, so that it is decided only once.
 *
 * @throws Problem 404 when it no longer exists
 */
async function locked(tx: Transaction, id: string): Promise<LockedChange> {
  const [row] = await tx.query<LockedChange>(
    `SELECT id, integrationId, scope, groupId, message, decision, note, revision, listedRevision
     FROM held_change WHERE id = ?${FOR_UPDATE}`,
    [id],
  );
  if (!row) throw Problem.notFound('held change');
  return row;
}

/** @throws Problem 409 when it was never listed, 400 for a revision that it never had */
function listedUpTo({ revision, listedRevision }: LockedChange, asked: number | null): number {
  if (asked !== null && asked > revision) {
    throw Problem.invalid([
      {
        field: 'revision',
        message: 'is higher than the revision of the change; send the revision from the list',
      },
    ]);
  }
  const upTo = asked ?? listedRevision;
  if (upTo !== null) return upTo;
  throw new Problem('not_listed');
}

/**
 * Later items than that revision stay held, as a change of their own.
 *
 * @returns the id of that change, or null without later items
 */
async function splitOff(
  tx: Transaction,
  { id, integrationId, scope, groupId, message, revision }: LockedChange,
  upTo: number,
): Promise<string | null> {
  const later = await tx.query('SELECT 1 FROM held_item WHERE heldChangeId = ? AND revision > ? LIMIT 1', [
    id,
    upTo,
  ]);
  if (later.length === 0) return null;
  const laterId = uuid();
  await tx.query(
    `INSERT INTO held_change (id, integrationId, scope, groupId, message, createdAt, revision)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [laterId, integrationId, scope, groupId, message, Date.now(), revision],
  );
  await tx.query('UPDATE held_item SET heldChangeId = ? WHERE heldChangeId = ? AND revision > ?', [
    laterId,
    id,
    upTo,
  ]);
  return laterId;
}

/** What the change is about, for the audit log: its rows will be gone. */
async function describe(tx: Transaction, { id, scope, groupId }: LockedChange) {
  const [group] = await tx.query<{ displayName: string }>('SELECT displayName FROM scim_group WHERE id = ?', [
    groupId,
  ]);
  const [count] = await tx.query<{ items: number }>(
    'SELECT COUNT(*) AS items FROM held_item WHERE heldChangeId = ?',
    [id],
  );
  return { scope, groupId, displayName: group?.displayName ?? null, items: Number(count!.items) };
}

async function groupsOf(tx: Transaction, heldChangeId: string): Promise<string[]> {
  const rows = await tx.query<{ groupId: string }>(
    'SELECT DISTINCT groupId FROM held_item WHERE heldChangeId = ?',
    [heldChangeId],
  );
  return rows.map(({ groupId }) => groupId);
}
