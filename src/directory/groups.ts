import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log';
import { ROWS_PER_STATEMENT, chunksOf } from '../database/chunks';
import { type UniqueKey, violatedKey } from '../database/database-errors';
import { FOR_SHARE, FOR_UPDATE, inList, placeholders, throughIndex } from '../database/dialect';
import { type Transaction, type TransactionOptions, TransactionRunner } from '../database/transaction-runner';
import { BIG_WRITE_ROWS, isBigWrite } from './big-writes';
import type { ChangeContext } from './change-context';
import { ChangeMarks } from './change-marks';
import { assertRoomFor, countChange } from './directory-counts';
import { ResourceConflictError, ResourceNotFoundError, UnknownMembersError } from './directory-errors';
import { fold } from './fold';
import type { ScimGroup } from './group.entity';
import { LIVE, LiveResources, type ResourceTable } from './live-resources';
import { type MembershipChange, type MembershipEffect, computeEffect } from './membership-effect';
import { isResourceId } from './resource-id';
import { sortedIds } from './sorted-ids';

export type { MembershipChange } from './membership-effect';

/** What to store of a group, without its members. */
export interface GroupWrite {
  displayName: string;
  /** Unique in an integration. The target's provider decides which names count as equal. */
  nameKey: string;
  externalId: string | null;
  /** The serialised default representation without `meta` and `members`. */
  resource: string;
}

export interface GroupChangeRequest {
  /** Computes the new group, or null for no change. It may run twice. If it throws, the transaction rolls back. */
  attributes?: (current: GroupRow) => GroupWrite | null;
  membership?: MembershipChange;
}

/** A stored group, without the columns that only SQL compares. */
export type GroupRow = Omit<
  ScimGroup,
  'displayNameKey' | 'displayNameUniqueKey' | 'externalIdKey' | 'deletedAt'
>;

export interface MemberRow {
  userId: string;
  displayName: string;
}

export interface UserGroupRow {
  userId: string;
  /** The group's. */
  id: string;
  displayName: string;
}

/** More than `ROWS_PER_STATEMENT`, because these statements read only an index. */
const IDS_PER_STATEMENT = 2_000;

const COLUMNS = 'id, integrationId, displayName, generation, version, resource, createdAt, lastModified';

const TABLE: ResourceTable<GroupRow> = {
  name: 'scim_group',
  columns: COLUMNS,
  orderIndexes: {
    id: 'scim_group_integration',
    displayNameKey: 'scim_group_by_name',
    externalIdKey: 'scim_group_by_external_id',
    createdAt: 'scim_group_by_creation',
    lastModified: 'scim_group_by_change',
  },
  uniqueColumns: [],
  keyColumns: 'displayNameKey, externalIdKey, createdAt, lastModified',
  countColumn: 'groups_',
  fromSql,
};

/** On MySQL, two concurrent writers of one name both find it free. Then the unique index refuses one of them. */
const NAME_KEY: UniqueKey = {
  table: 'scim_group',
  index: 'scim_group_unique_name',
  columns: ['integrationId', 'displayNameUniqueKey'],
};

/** The groups of all integrations and their members, as the IdPs want them. */
@Injectable()
export class Groups extends LiveResources<GroupRow> {
  constructor(
    @InjectDataSource() reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
  ) {
    super(reader, TABLE);
  }

  /** Members of one group in the order of their ids, slice by slice. */
  async *membersOf(integrationId: string, groupId: string): AsyncGenerator<MemberRow[]> {
    for (let after = ''; ;) {
      const rows = await this.reader.query<MemberRow[]>(
        `SELECT m.userId AS userId, u.displayName AS displayName
         FROM group_member m JOIN scim_user u ON u.id = m.userId
         WHERE m.integrationId = ? AND m.groupId = ? AND m.userId > ? ORDER BY m.userId LIMIT ${ROWS_PER_STATEMENT}`,
        [integrationId, groupId, after],
      );
      if (rows.length > 0) yield rows;
      if (rows.length < ROWS_PER_STATEMENT) return;
      after = rows.at(-1)!.userId;
    }
  }

  /** The groups of one user in the order of their ids, slice by slice. */
  async *groupsOf(integrationId: string, userId: string): AsyncGenerator<UserGroupRow[]> {
    for (let after = ''; ;) {
      const rows = await this.reader.query<(UserGroupRow & { deletedAt: number | null })[]>(
        `SELECT m.userId AS userId, g.id AS id, g.displayName AS displayName, g.deletedAt AS deletedAt
         FROM group_member m JOIN scim_group g ON g.id = m.groupId
         WHERE m.integrationId = ? AND m.userId = ? AND m.groupId > ? ORDER BY m.groupId LIMIT ${ROWS_PER_STATEMENT}`,
        [integrationId, userId, after],
      );
      const live = rows.filter(({ deletedAt }) => deletedAt === null);
      if (live.length > 0) yield live;
      if (rows.length < ROWS_PER_STATEMENT) return;
      after = rows.at(-1)!.id;
    }
  }

  /**
   * The groups of each of these users (at most fifty) in one statement.
   *
   * @returns null if they are in too many groups for one statement: then call `groupsOf` for each user
   */
  async groupsOfSome(
    integrationId: string,
    userIds: readonly string[],
  ): Promise<Map<string, UserGroupRow[]> | null> {
    const groups = new Map<string, UserGroupRow[]>(userIds.map((id) => [id, []]));
    if (userIds.length === 0) return groups;
    const rows = await this.reader.query<(UserGroupRow & { deletedAt: number | null })[]>(
      `SELECT m.userId AS userId, g.id AS id, g.displayName AS displayName, g.deletedAt AS deletedAt
       FROM ${throughIndex('group_member m', 'group_member_of_user')} CROSS JOIN scim_group g ON g.id = m.groupId
       WHERE m.integrationId = ? AND m.userId IN (${inList(userIds)}) LIMIT ${IDS_PER_STATEMENT}`,
      [integrationId, ...userIds],
    );
    if (rows.length === IDS_PER_STATEMENT) return null;
    for (const row of rows) if (row.deletedAt === null) groups.get(row.userId)!.push(row);
    for (const some of groups.values()) some.sort((a, b) => (a.id < b.id ? -1 : 1));
    return groups;
  }

  /** Ids of the members of a group, slice by slice, even if the group was deleted meanwhile. */
  memberIds(integrationId: string, groupId: string): AsyncGenerator<string[]> {
    return this.pairIds(integrationId, 'groupId', groupId, 'userId', 'group_member_of_group');
  }

  /** Ids of the groups of a user, slice by slice, deleted groups included. */
  groupIds(integrationId: string, userId: string): AsyncGenerator<string[]> {
    return this.pairIds(integrationId, 'userId', userId, 'groupId', 'group_member_of_user');
  }

  /** Which of these groups (at most a hundred) have a member. */
  async withMembers(integrationId: string, groupIds: readonly string[]): Promise<string[]> {
    const rows = await this.reader.query<{ id: string }[]>(
      `SELECT g.id AS id FROM scim_group g WHERE g.id IN (${inList(groupIds)}) AND EXISTS (
         SELECT 1 FROM group_member m WHERE m.integrationId = ? AND m.groupId = g.id)`,
      [...groupIds, integrationId],
    );
    return rows.map(({ id }) => id);
  }

  /** Which of these users (at most a hundred) are in a group. */
  async inGroups(integrationId: string, userIds: readonly string[]): Promise<string[]> {
    const rows = await this.reader.query<{ id: string }[]>(
      `SELECT u.id AS id FROM scim_user u WHERE u.id IN (${inList(userIds)}) AND EXISTS (
         SELECT 1 FROM group_member m JOIN scim_group g ON g.id = m.groupId
         WHERE m.integrationId = ? AND m.userId = u.id AND g.deletedAt IS NULL)`,
      [...userIds, integrationId],
    );
    return rows.map(({ id }) => id);
  }

  private async *pairIds(
    integrationId: string,
    of: 'groupId' | 'userId',
    id: string,
    wanted: 'groupId' | 'userId',
    index: string,
  ): AsyncGenerator<string[]> {
    for (let after = ''; ;) {
      const rows = await this.reader.query<{ id: string }[]>(
        `SELECT ${wanted} AS id FROM ${throughIndex('group_member', index)}
         WHERE integrationId = ? AND ${of} = ? AND ${wanted} > ? ORDER BY ${wanted} LIMIT ${IDS_PER_STATEMENT}`,
        [integrationId, id, after],
      );
      if (rows.length > 0) yield rows.map((row) => row.id);
      if (rows.length < IDS_PER_STATEMENT) return;
      after = rows.at(-1)!.id;
    }
  }

  /** @throws ResourceConflictError, UnknownMembersError, QuotaReachedError */
  async create(
    context: ChangeContext,
    id: string,
    write: GroupWrite,
    members: ReadonlySet<string>,
    options?: TransactionOptions,
  ): Promise<GroupRow> {
    const now = Date.now();
    const row: GroupRow = {
      id,
      integrationId: context.integrationId,
      displayName: write.displayName,
      generation: 1,
      version: 1,
      resource: write.resource,
      createdAt: now,
      lastModified: now,
    };
    await this.run(context, { big: members.size > BIG_WRITE_ROWS, ...options }, async (tx) => {
      await assertRoomFor(tx, context, { groups: 1, memberships: members.size });
      await assertNameFree(tx, context.integrationId, id, write);
      await tx.query(
        `INSERT INTO scim_group (${COLUMNS}, displayNameKey, displayNameUniqueKey, externalIdKey)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          row.id,
          row.integrationId,
          row.displayName,
          row.generation,
          row.version,
          row.resource,
          row.createdAt,
          row.lastModified,
          ...keysOf(write),
        ],
      );
      await insertMembers(tx, context.integrationId, id, await sortedIds(members));
      await this.marks.markWhole(tx, context.integrationId, [id], context.actor.requestId);
      await this.record(tx, context, 'group.created', id, {
        displayName: write.displayName,
        members: members.size,
      });
      await countChange(tx, context, { groups: 1, memberships: members.size });
    });
    return row;
  }

  /**
   * @returns the group after the change; the same version as before means that nothing changed
   * @throws ResourceNotFoundError, ResourceConflictError, UnknownMembersError, QuotaReachedError
   */
  async change(
    context: ChangeContext,
    id: string,
    request: GroupChangeRequest,
    options?: TransactionOptions,
  ): Promise<GroupRow> {
    const big = await this.isBigChange(context.integrationId, id, request.membership);
    return this.run(context, { big, ...options }, async (tx) => {
      const before = await lockGroup(tx, context.integrationId, id);
      const write = request.attributes?.(before) ?? null;
      if (write) await assertNameFree(tx, context.integrationId, id, write);
      const { added, removed } = request.membership
        ? await changeMembers(tx, context, id, request.membership)
        : NO_EFFECT;
      const touched = added.concat(removed);
      if (!write && touched.length === 0) return before;

      const renamed = write !== null && write.displayName !== before.displayName;
      const after: GroupRow = {
        ...before,
        displayName: write?.displayName ?? before.displayName,
        resource: write?.resource ?? before.resource,
        generation: before.generation + (renamed || touched.length > 0 ? 1 : 0),
        version: before.version + 1,
        lastModified: Math.max(Date.now(), before.lastModified + 1),
      };
      await tx.query(
        'UPDATE scim_group SET displayName = ?, resource = ?, generation = ?, version = ?, lastModified = ? WHERE id = ?',
        [after.displayName, after.resource, after.generation, after.version, after.lastModified, id],
      );
      if (write) {
        await tx.query(
          'UPDATE scim_group SET displayNameKey = ?, displayNameUniqueKey = ?, externalIdKey = ? WHERE id = ?',
          [...keysOf(write), id],
        );
      }
      if (after.generation !== before.generation) {
        await this.marks.mark(tx, context.integrationId, new Map([[id, touched]]), context.actor.requestId);
      }
      await this.record(tx, context, 'group.updated', id, {
        displayName: after.displayName,
        added: added.length,
        removed: removed.length,
        addedUserIds: added.slice(0, NAMED_IN_AUDIT),
        removedUserIds: removed.slice(0, NAMED_IN_AUDIT),
      });
      await countChange(tx, context, { memberships: added.length - removed.length });
      return after;
    });
  }

  /**
   * The group is gone at once and its name is free. `DeletedRowsSweeper` removes its membership rows later.
   *
   * @throws ResourceNotFoundError
   */
  async delete(
    context: ChangeContext,
    id: string,
    accept: (current: GroupRow) => void = () => undefined,
    options?: TransactionOptions,
  ): Promise<void> {
    await this.run(context, options, (tx) => this.deleteWithin(tx, context, id, accept));
  }

  /**
   * The same as part of a larger transaction, which has already called `context.admit`.
   *
   * @throws ResourceNotFoundError
   */
  async deleteWithin(
    tx: Transaction,
    context: ChangeContext,
    id: string,
    accept: (current: GroupRow) => void = () => undefined,
  ): Promise<void> {
    const before = await lockGroup(tx, context.integrationId, id);
    accept(before);
    await tx.query(
      `UPDATE scim_group SET deletedAt = ?, generation = generation + 1, displayNameKey = NULL,
         displayNameUniqueKey = NULL, externalIdKey = NULL WHERE id = ?`,
      [Date.now(), id],
    );
    await this.marks.markWhole(tx, context.integrationId, [id], context.actor.requestId);
    await this.record(tx, context, 'group.deleted', id, { displayName: before.displayName });
    const [members] = await tx.query<{ total: number }>(
      'SELECT COUNT(*) AS total FROM group_member WHERE integrationId = ? AND groupId = ?',
      [context.integrationId, id],
    );
    await countChange(tx, context, { groups: -1, memberships: -Number(members!.total) });
  }

  private async isBigChange(
    integrationId: string,
    groupId: string,
    change: MembershipChange | undefined,
  ): Promise<boolean> {
    if (change === undefined) return false;
    if (change.kind === 'delta') return change.add.size + change.remove.size > BIG_WRITE_ROWS;
    if (change.members.size > BIG_WRITE_ROWS) return true;
    // A short list can still remove many members.
    return isBigWrite(this.reader, 'group_member WHERE integrationId = ? AND groupId = ?', [
      integrationId,
      groupId,
    ]);
  }

  private run<T>(
    context: ChangeContext,
    options: TransactionOptions | undefined,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const admitted = async (tx: Transaction) => {
      await context.admit(tx);
      return work(tx);
    };
    return this.transactions
      .run(admitted, { lane: context.integrationId, ...options })
      .catch((error: unknown) => {
        throw violatedKey(error, [NAME_KEY]) ? nameConflict() : error;
      });
  }

  private record(tx: Transaction, context: ChangeContext, action: string, id: string, detail: object) {
    return this.audit.record(tx, {
      actor: context.actor,
      action,
      target: { type: 'group', id },
      tenantId: context.tenantId,
      integrationId: context.integrationId,
      detail: { ...detail },
    });
  }
}

/** Most members that an audit event names. Its counts include all. */
const NAMED_IN_AUDIT = 200;

/** Most unknown members that an error names. Its total counts all. */
const NAMED_UNKNOWN = 20;

/** Every write of a group takes this lock first: two writers that insert members before it would deadlock. */
async function lockGroup(tx: Transaction, integrationId: string, id: string): Promise<GroupRow> {
  const [row] = await tx.query<GroupRow>(
    `SELECT ${COLUMNS} FROM scim_group WHERE id = ? AND ${LIVE}${FOR_UPDATE}`,
    [id, integrationId],
  );
  if (!row) throw new ResourceNotFoundError('Group', id);
  return fromSql(row);
}

const NO_EFFECT: MembershipEffect = { added: [], removed: [] };

async function changeMembers(
  tx: Transaction,
  context: ChangeContext,
  groupId: string,
  change: MembershipChange,
): Promise<MembershipEffect> {
  const { added, removed } = await computeEffect(tx, groupId, change);
  await assertRoomFor(tx, context, { memberships: added.length - removed.length });
  await insertMembers(tx, context.integrationId, groupId, added);
  for await (const some of chunksOf(removed)) {
    await tx.query(`DELETE FROM group_member WHERE groupId = ? AND userId IN (${inList(some)})`, [
      groupId,
      ...some,
    ]);
  }
  return { added, removed };
}

/** @throws UnknownMembersError before anything is inserted */
async function insertMembers(
  tx: Transaction,
  integrationId: string,
  groupId: string,
  userIds: readonly string[],
): Promise<void> {
  const named: string[] = [];
  let total = 0;
  for await (const some of chunksOf(userIds)) {
    const possible = some.filter(isResourceId);
    const rows =
      possible.length === 0
        ? []
        : await tx.query<{ id: string }>(
            `SELECT id FROM scim_user WHERE ${LIVE} AND id IN (${inList(possible)}) ORDER BY id${FOR_SHARE}`,
            [integrationId, ...possible],
          );
    const known = new Set(rows.map(({ id }) => id));
    const unknown = some.filter((id) => !known.has(id));
    total += unknown.length;
    named.push(...unknown.slice(0, NAMED_UNKNOWN - named.length));
  }
  if (total > 0) throw new UnknownMembersError(named, total);
  for await (const some of chunksOf(userIds)) {
    await tx.query(
      `INSERT INTO group_member (groupId, userId, integrationId) VALUES ${placeholders(some.length, 3)}`,
      some.flatMap((userId) => [groupId, userId, integrationId]),
    );
  }
}

async function assertNameFree(
  tx: Transaction,
  integrationId: string,
  id: string,
  { nameKey }: GroupWrite,
): Promise<void> {
  const rows = await tx.query(
    'SELECT 1 FROM scim_group WHERE integrationId = ? AND displayNameUniqueKey = ? AND id <> ?',
    [integrationId, nameKey, id],
  );
  if (rows.length > 0) throw nameConflict();
}

function nameConflict(): ResourceConflictError {
  return new ResourceConflictError(
    'Group',
    'displayName',
    'Another group already has this displayName, or one that the target treats as the same: send another displayName.',
  );
}

function keysOf({ displayName, nameKey, externalId }: GroupWrite): (string | null)[] {
  return [fold(displayName), nameKey, externalId];
}

function fromSql<Row extends GroupRow>(row: Row): Row {
  return { ...row, createdAt: Number(row.createdAt), lastModified: Number(row.lastModified) };
}
