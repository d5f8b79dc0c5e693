import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log';
import { chunksOf } from '../database/chunks';
import { RestartTransaction, isUniqueViolation } from '../database/database-errors';
import { FOR_UPDATE, inList } from '../database/dialect';
import { type Transaction, type TransactionOptions, TransactionRunner } from '../database/transaction-runner';
import type { ChangeContext } from './change-context';
import { ChangeMarks } from './change-marks';
import { ResourceConflictError, ResourceNotFoundError } from './directory-errors';
import { fold } from './fold';
import { GivenAddresses } from './given-addresses';
import { LIVE, LiveResources, type ResourceTable } from './live-resources';
import { isResourceId } from './resource-id';
import type { ScimUser } from './user.entity';

/** How a user is to be stored. */
export interface UserWrite {
  userName: string;
  externalId: string | null;
  displayName: string;
  /** By which the target finds the person. */
  email: string | null;
  active: boolean;
  /** The serialised default representation without `meta` and `groups`. */
  resource: string;
}

/** A stored user, without the columns that only SQL compares. */
export type UserRow = Omit<ScimUser, 'userNameKey' | 'externalIdKey' | 'emailKey' | 'deletedAt'>;

const COLUMNS =
  'id, integrationId, userName, displayName, email, active, incarnation, version, resource, createdAt, lastModified';

const KEY_ATTRIBUTES = ['userName', 'email', 'active', 'externalId'] as const;

const TABLE: ResourceTable<UserRow> = {
  name: 'scim_user',
  columns: COLUMNS,
  orderIndexes: {
    id: 'scim_user_integration',
    userNameKey: 'scim_user_name',
    externalIdKey: 'scim_user_by_external_id',
    createdAt: 'scim_user_by_creation',
    lastModified: 'scim_user_by_change',
  },
  keyColumns: 'userNameKey, externalIdKey, active, createdAt, lastModified',
  countColumn: 'users',
  fromSql,
};

/** The users of every integration, as their IdPs want them. */
@Injectable()
export class Users extends LiveResources<UserRow> {
  constructor(
    @InjectDataSource() reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
    private readonly addresses: GivenAddresses,
  ) {
    super(reader, TABLE);
  }

  /** How these users are called, by id; those who are not there are left out. */
  async displayNames(integrationId: string, ids: readonly string[]): Promise<Map<string, string>> {
    const names = new Map<string, string>();
    for await (const some of chunksOf(ids.filter(isResourceId))) {
      const rows = await this.reader.query<{ id: string; displayName: string }[]>(
        `SELECT id, displayName FROM scim_user WHERE ${LIVE} AND id IN (${inList(some)})`,
        [integrationId, ...some],
      );
      for (const { id, displayName } of rows) names.set(id, displayName);
    }
    return names;
  }

  /**
   * Whom an inactive user stands for by user name or external id is revived under the old id: somebody came back. The
   * old memberships are gone, and whom the target took them for counts no more.
   *
   * @throws ResourceConflictError for an active match, for matches of two users, and for a write that says inactive
   */
  async create(
    context: ChangeContext,
    id: string,
    write: UserWrite,
    options?: TransactionOptions,
  ): Promise<UserRow> {
    return this.run(context, options, async (tx) => {
      const former = await inactiveMatch(tx, context.integrationId, write);
      return former ? this.revive(tx, context, former, write) : this.insert(tx, context, id, write);
    });
  }

  /**
   * @param change computes what the user becomes from what it is, or null when nothing changes; it may run twice, and
   * what it throws rolls back
   * @throws ResourceNotFoundError, ResourceConflictError
   */
  async change(
    context: ChangeContext,
    id: string,
    change: (current: UserRow) => UserWrite | null,
    options?: TransactionOptions,
  ): Promise<UserRow> {
    return this.run(context, options, async (tx) => {
      const before = await readUser(tx, context.integrationId, id);
      const write = change(before);
      if (!write) return before;
      // Reactivated under another external id, it is another person under a recycled name.
      const another = !before.active && write.active && replacesExternalId(before, write);
      const reachesTeams = write.active !== before.active || write.email !== before.email;
      const groupIds = another
        ? await this.leaveGroups(tx, context, before)
        : reachesTeams
          ? await lockGroupsOf(tx, context.integrationId, id)
          : [];
      if (!another) await lockUnchanged(tx, before);
      const after = await this.update(tx, context, before, write, before.incarnation + (another ? 1 : 0));
      await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
      await this.record(tx, context, 'user.updated', id, {
        userName: write.userName,
        ...keyChanges(before, write),
      });
      return after;
    });
  }

  /**
   * The user is gone at once, from its groups too, and its names are free.
   *
   * @throws ResourceNotFoundError
   */
  async delete(
    context: ChangeContext,
    id: string,
    accept: (current: UserRow) => void = () => undefined,
    options?: TransactionOptions,
  ): Promise<void> {
    await this.run(context, options, async (tx) => {
      const before = await readUser(tx, context.integrationId, id);
      accept(before);
      const groupIds = await this.leaveGroups(tx, context, before);
      await tx.query(
        `UPDATE scim_user SET deletedAt = ?, active = 0, userNameKey = NULL, externalIdKey = NULL, emailKey = NULL
         WHERE id = ?`,
        [Date.now(), id],
      );
      await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
      await this.record(tx, context, 'user.deleted', id, { userName: before.userName });
    });
  }

  private async insert(
    tx: Transaction,
    context: ChangeContext,
    id: string,
    write: UserWrite,
  ): Promise<UserRow> {
    const now = Date.now();
    const row: UserRow = {
      id,
      integrationId: context.integrationId,
      ...columnsOf(write),
      incarnation: 1,
      version: 1,
      createdAt: now,
      lastModified: now,
    };
    await tx.query(
      `INSERT INTO scim_user (${COLUMNS}, userNameKey, externalIdKey, emailKey)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        row.id,
        row.integrationId,
        row.userName,
        row.displayName,
        row.email,
        row.active ? 1 : 0,
        row.incarnation,
        row.version,
        row.resource,
        row.createdAt,
        row.lastModified,
        ...keysOf(write),
      ],
    );
    await this.giveAddress(tx, context, row);
    await this.record(tx, context, 'user.created', id, { userName: write.userName });
    return row;
  }

  private async revive(
    tx: Transaction,
    context: ChangeContext,
    id: string,
    write: UserWrite,
  ): Promise<UserRow> {
    const before = await readUser(tx, context.integrationId, id);
    const groupIds = await this.leaveGroups(tx, context, before);
    const after = await this.update(tx, context, before, reidentified(write, id), before.incarnation + 1);
    await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
    await this.record(tx, context, 'user.revived', id, { userName: write.userName });
    return after;
  }

  /** Locks the user and takes it out of its groups, whose members are others from now on. */
  private async leaveGroups(tx: Transaction, context: ChangeContext, user: UserRow): Promise<string[]> {
    const groupIds = await lockGroupsOf(tx, context.integrationId, user.id);
    await lockUnchanged(tx, user);
    // Also out of groups that are deleted and wait for the engine.
    await tx.query('DELETE FROM group_member WHERE integrationId = ? AND userId = ?', [
      context.integrationId,
      user.id,
    ]);
    if (groupIds.length === 0) return groupIds;
    await tx.query(
      `UPDATE scim_group SET generation = generation + 1, version = version + 1, lastModified = ?
       WHERE id IN (${inList(groupIds)})`,
      [Date.now(), ...groupIds],
    );
    return groupIds;
  }

  private async update(
    tx: Transaction,
    context: ChangeContext,
    before: UserRow,
    write: UserWrite,
    incarnation: number,
  ): Promise<UserRow> {
    await assertFree(tx, context.integrationId, before.id, write);
    const after: UserRow = {
      ...before,
      ...columnsOf(write),
      incarnation,
      version: before.version + 1,
      lastModified: Math.max(Date.now(), before.lastModified + 1),
    };
    await tx.query(
      `UPDATE scim_user SET userName = ?, displayName = ?, email = ?, active = ?, incarnation = ?, version = ?,
         resource = ?, lastModified = ?, userNameKey = ?, externalIdKey = ?, emailKey = ? WHERE id = ?`,
      [
        after.userName,
        after.displayName,
        after.email,
        after.active ? 1 : 0,
        after.incarnation,
        after.version,
        after.resource,
        after.lastModified,
        ...keysOf(write),
        before.id,
      ],
    );
    if (!before.active || before.email !== after.email) await this.giveAddress(tx, context, after);
    return after;
  }

  private async giveAddress(
    tx: Transaction,
    context: ChangeContext,
    { id, email, active }: UserRow,
  ): Promise<void> {
    if (!active || email === null) return;
    await this.addresses.given(tx, context, { userId: id, emailKey: emailKeyOf(email) });
  }

  private run<T>(
    context: ChangeContext,
    options: TransactionOptions | undefined,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    return this.transactions
      .run(work, { lane: context.integrationId, ...options })
      .catch((error: unknown) => {
        // Two writers of one name at once on MySQL: both saw it free, the index lets one in.
        if (isUniqueViolation(error)) throw conflict('userName');
        throw error;
      });
  }

  private record(tx: Transaction, context: ChangeContext, action: string, id: string, detail: object) {
    return this.audit.record(tx, {
      actor: context.actor,
      action,
      target: { type: 'user', id },
      tenantId: context.tenantId,
      integrationId: context.integrationId,
      detail: { ...detail },
    });
  }
}

async function readUser(tx: Transaction, integrationId: string, id: string): Promise<UserRow> {
  const [row] = await tx.query<UserRow>(`SELECT ${COLUMNS} FROM scim_user WHERE id = ? AND ${LIVE}`, [
    id,
    integrationId,
  ]);
  if (!row) throw new ResourceNotFoundError('User', id);
  return fromSql(row);
}

/** Groups are locked before users, in the order of their ids: whoever locks in this order never waits in a circle. */
async function lockGroupsOf(tx: Transaction, integrationId: string, userId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT g.id AS id FROM scim_group g JOIN group_member m ON m.groupId = g.id
     WHERE m.integrationId = ? AND m.userId = ? AND g.deletedAt IS NULL ORDER BY g.id${FOR_UPDATE}`,
    [integrationId, userId],
  );
  return rows.map(({ id }) => id);
}

/** From here on nobody else writes this user, nor adds it to a group (the foreign key waits for the row). */
async function lockUnchanged(tx: Transaction, before: UserRow): Promise<void> {
  const [row] = await tx.query<{ version: number }>(
    `SELECT version FROM scim_user WHERE id = ? AND deletedAt IS NULL${FOR_UPDATE}`,
    [before.id],
  );
  if (Number(row?.version) !== before.version) throw new RestartTransaction('The user changed meanwhile.');
}

async function assertFree(
  tx: Transaction,
  integrationId: string,
  id: string,
  write: Pick<UserWrite, 'userName' | 'externalId'>,
): Promise<void> {
  const taken = async (column: string, key: string) =>
    (
      await tx.query(`SELECT 1 FROM scim_user WHERE integrationId = ? AND ${column} = ? AND id <> ?`, [
        integrationId,
        key,
        id,
      ])
    ).length > 0;
  if (await taken('userNameKey', fold(write.userName))) throw conflict('userName');
  if (write.externalId !== null && (await taken('externalIdKey', write.externalId)))
    throw conflict('externalId');
}

/**
 * The one inactive user that the write means, or null when it means nobody who is there.
 *
 * @throws ResourceConflictError
 */
async function inactiveMatch(
  tx: Transaction,
  integrationId: string,
  write: UserWrite,
): Promise<string | null> {
  const find = (column: string, key: string) =>
    tx.query<{ id: string; active: number }>(
      `SELECT id, active FROM scim_user WHERE integrationId = ? AND ${column} = ?`,
      [integrationId, key],
    );
  const [byName] = await find('userNameKey', fold(write.userName));
  const [byExternalId] = write.externalId === null ? [] : await find('externalIdKey', write.externalId);
  if (byName && (byName.active || !write.active)) throw conflict('userName');
  if (byExternalId && (byExternalId.active || !write.active)) throw conflict('externalId');
  if (byName && byExternalId && byName.id !== byExternalId.id) throw conflict('externalId');
  return byName?.id ?? byExternalId?.id ?? null;
}

function replacesExternalId(before: UserRow, write: UserWrite): boolean {
  const externalId = externalIdOf(before);
  return externalId !== null && write.externalId !== null && write.externalId !== externalId;
}

function externalIdOf({ resource }: UserRow): string | null {
  return (JSON.parse(resource) as { externalId?: string }).externalId ?? null;
}

/** Which of the attributes changed that decide who the user is to the IdP and to the target; never the rest of the resource. */
function keyChanges(user: UserRow, write: UserWrite) {
  const before = { ...user, externalId: externalIdOf(user) };
  const changed = KEY_ATTRIBUTES.filter((attribute) => before[attribute] !== write[attribute]);
  return {
    changed,
    ...(changed.includes('active') ? { active: write.active } : {}),
    ...(changed.includes('email') ? { email: { from: before.email, to: write.email } } : {}),
  };
}

/** The write was rendered for a new id. */
function reidentified(write: UserWrite, id: string): UserWrite {
  return { ...write, resource: JSON.stringify({ ...(JSON.parse(write.resource) as object), id }) };
}

function pairsOf(groupIds: readonly string[], userId: string): Map<string, string[]> {
  return new Map(groupIds.map((groupId) => [groupId, [userId]]));
}

function conflict(attribute: 'userName' | 'externalId'): ResourceConflictError {
  return new ResourceConflictError('User', attribute, `Another user already has this ${attribute}.`);
}

function columnsOf({ userName, displayName, email, active, resource }: UserWrite) {
  return { userName, displayName, email, active, resource };
}

function keysOf({ userName, externalId, email }: UserWrite): (string | null)[] {
  return [fold(userName), externalId, email === null ? null : emailKeyOf(email)];
}

function emailKeyOf(email: string): string {
  return fold(email.trim());
}

function fromSql<Row extends UserRow>(row: Row): Row {
  return {
    ...row,
    active: Boolean(row.active),
    createdAt: Number(row.createdAt),
    lastModified: Number(row.lastModified),
  };
}
