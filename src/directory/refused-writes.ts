import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { AuditLog } from '../audit/audit-log';
import { FOR_UPDATE, inList } from '../database/dialect';
import { type Transaction, TransactionRunner } from '../database/transaction-runner';
import { upsert } from '../database/upsert';
import type { ChangeContext } from './change-context';
import { RefusedWrite } from './refused-write.entity';

const MAX_PER_INTEGRATION = 1_000;

/** The resource that a write changes. */
export interface WrittenTo {
  resourceType: 'User' | 'Group';
  /** Id, or the folded name in a POST. */
  resourceKey: string;
  resourceId: string | null;
}

export type Refusal = Pick<RefusedWrite, 'method' | 'path' | 'status' | 'detail' | 'named'> & WrittenTo;

/** What a later successful write makes up for: the whole resource, or only the attributes in the request. */
export type Covered =
  { kind: 'all' } | { kind: 'all-but-members' } | { kind: 'names'; names: ReadonlySet<string> };

export type RefusedWriteRow = Omit<RefusedWrite, 'resourceKey' | 'integrationId'>;

@Injectable()
export class RefusedWrites {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  /** @throws what `context.admit` throws: nothing is stored for a deleted integration */
  async record({ integrationId, actor, admit }: ChangeContext, refusal: Refusal): Promise<void> {
    await this.transactions.run(
      async (tx) => {
        await admit(tx);
        const row = {
          id: uuid(),
          integrationId,
          resourceType: refusal.resourceType,
          resourceKey: refusal.resourceKey,
          resourceId: refusal.resourceId,
          method: refusal.method,
          at: Date.now(),
          path: refusal.path.slice(0, 512),
          status: refusal.status,
          detail: refusal.detail.slice(0, 2000),
          named: refusal.named,
          scimKey: actor.name,
        };
        await upsert(tx, RefusedWrite, [row], {
          key: ['integrationId', 'resourceType', 'resourceKey', 'method'],
          update: ['id', 'at', 'path', 'status', 'detail', 'named', 'scimKey'],
        });
        const excess = await tx.query<{ id: string }>(
          'SELECT id FROM refused_write WHERE integrationId = ? ORDER BY id DESC LIMIT 100 OFFSET ?',
          [integrationId, MAX_PER_INTEGRATION],
        );
        if (excess.length === 0) return;
        const ids = excess.map(({ id }) => id);
        await tx.query(`DELETE FROM refused_write WHERE id IN (${inList(ids)})`, ids);
      },
      { lane: integrationId },
    );
  }

  /**
   * Call it after a successful write of the same resource. It reads by index: there is almost never a refused write.
   *
   * @throws what `context.admit` throws
   */
  async makeUpFor(
    { integrationId, admit }: ChangeContext,
    written: WrittenTo,
    covered: Covered,
  ): Promise<void> {
    const rows = await this.reader.query<{ id: string; named: string }[]>(
      'SELECT id, named FROM refused_write WHERE integrationId = ? AND resourceType = ? AND resourceKey = ?',
      [integrationId, written.resourceType, written.resourceKey],
    );
    for (const { id, named } of rows) {
      const open = (JSON.parse(named) as string[]).filter((name) => !covers(covered, name));
      await this.transactions.run(
        async (tx) => {
          await admit(tx);
          if (open.length === 0) await tx.query('DELETE FROM refused_write WHERE id = ?', [id]);
          else await tx.query('UPDATE refused_write SET named = ? WHERE id = ?', [JSON.stringify(open), id]);
        },
        { lane: integrationId },
      );
    }
  }

  /** Newest first. */
  async list(integrationId: string, before: string, limit: number): Promise<RefusedWriteRow[]> {
    const rows = await this.reader.query<RefusedWriteRow[]>(
      `SELECT id, resourceType, resourceId, method, at, path, status, detail, named, scimKey FROM refused_write
       WHERE integrationId = ? ${before === '' ? '' : 'AND id < ?'} ORDER BY id DESC LIMIT ?`,
      [integrationId, ...(before === '' ? [] : [before]), limit],
    );
    return rows.map(fromSql);
  }

  /** Resource id → its newest refused write. */
  async latestOf(
    integrationId: string,
    resourceIds: readonly string[],
  ): Promise<Map<string, RefusedWriteRow>> {
    const latest = new Map<string, RefusedWriteRow>();
    if (resourceIds.length === 0) return latest;
    const rows = await this.reader.query<RefusedWriteRow[]>(
      `SELECT id, resourceType, resourceId, method, at, path, status, detail, named, scimKey FROM refused_write
       WHERE integrationId = ? AND resourceType IN ('User', 'Group') AND resourceKey IN (${inList(resourceIds)})
       ORDER BY id`,
      [integrationId, ...resourceIds],
    );
    for (const row of rows) if (row.resourceId !== null) latest.set(row.resourceId, fromSql(row));
    return latest;
  }

  /** An admin says that it is settled. @returns whether it existed */
  async dismiss({ integrationId, tenantId, actor }: ChangeContext, id: string): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const [row] = await tx.query<WrittenTo & Pick<RefusedWrite, 'method' | 'path' | 'status'>>(
        `SELECT method, path, status, resourceType, resourceKey, resourceId FROM refused_write
         WHERE integrationId = ? AND id = ?${FOR_UPDATE}`,
        [integrationId, id],
      );
      if (!row) return false;
      await tx.query('DELETE FROM refused_write WHERE id = ?', [id]);
      const { resourceKey: _, ...about } = row;
      await this.audit.record(tx, {
        actor,
        action: 'refused_write.dismissed',
        target: { type: 'refused_write', id },
        tenantId,
        integrationId,
        detail: { ...about, name: await nameOf(tx, row) },
      });
      return true;
    });
  }
}

/** The current name; for a resource that was never created, the folded name from the request. */
async function nameOf(tx: Transaction, { resourceType, resourceKey, resourceId }: WrittenTo) {
  if (resourceId === null) return resourceKey.replace(/^name:/, '');
  const [column, table] = resourceType === 'User' ? ['userName', 'scim_user'] : ['displayName', 'scim_group'];
  const [row] = await tx.query<{ name: string }>(`SELECT ${column} AS name FROM ${table} WHERE id = ?`, [
    resourceId,
  ]);
  return row?.name ?? null;
}

function covers(covered: Covered, name: string): boolean {
  switch (covered.kind) {
    case 'all':
      return true;
    case 'all-but-members':
      return name !== 'members' && !name.startsWith('members:');
    case 'names':
      return covered.names.has(name);
  }
}

function fromSql(row: RefusedWriteRow): RefusedWriteRow {
  return { ...row, at: Number(row.at), named: JSON.parse(row.named as unknown as string) as string[] };
}
