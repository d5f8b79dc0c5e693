import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log';
import { chunksOf } from '../database/chunks';
import { RestartTransaction, type UniqueKey, violatedKey } from '../database/database-errors';
import { FOR_UPDATE, inList } from '../database/dialect';
import { type Transaction, type TransactionOptions, TransactionRunner } from '../database/transaction-runner';
import { isBigWrite } from './big-writes';
import type { ChangeContext } from './change-context';
import { ChangeMarks } from './change-marks';
import { countChange } from './directory-counts';
import { ResourceConflictError, ResourceNotFoundError } from './directory-errors';
import { fold } from './fold';
import { Departures } from './departures';
import { GivenAddresses } from './given-addresses';
import { LIVE, LiveResources, type ResourceTable } from './live-resources';
import { endMemberships, lockMembershipsOf } from './memberships-of-user';
import { isResourceId } from './resource-id';
import type { ScimUser } from './user.entity';

/** What to store of a user. */
export interface UserWrite {
  userName: string;
  externalId: string | null;
  displayName: string;
  /** The target finds the user by this address. */
  email: string | null;
  /** JSON of the other attributes that the target needs for that; null if it needs none. */
  targetAttributes: string | null;
  active: boolean;
  /** The serialised default representation without `meta` and `groups`. */
  resource: string;
}

/** A stored user, without the columns that only SQL compares. */
export type UserRow = Omit<
  ScimUser,
  'userNameKey' | 'externalIdKey' | 'emailKey' | 'targetAttributesKey' | 'deletedAt'
>;

const COLUMNS =
  'id, integrationId, userName, displayName, email, targetAttributes, active, incarnation, version, resource, createdAt, lastModified';

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
  uniqueColumns: ['userNameKey'],
  keyColumns: 'userNameKey, externalIdKey, active, createdAt, lastModified',
  countColumn: 'users',
  fromSql,
};

/** On MySQL, two concurrent writers of one name both find it free. Then the unique index refuses one of them. */
const NAME_KEY: UniqueKey = {
  table: 'scim_user',
  index: 'scim_user_name',
  columns: ['integrationId', 'userNameKey'],
};

/** The users of all integrations, as the IdPs want them. */
@Injectable()
export class Users extends LiveResources<UserRow> {
  constructor(
    @InjectDataSource() reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
    private readonly addresses: GivenAddresses,
    private readonly departures: Departures,
  ) {
    super(reader, TABLE);
  }

  /** User id → display name. Missing users are left out. */
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
   * An inactive user with the same user name is revived under the old id: the person came back. A different external id
   * means another person, and an id is never given to another person. A revived user loses the old memberships and the
   * link to a remote user.
   *
   * @throws ResourceConflictError for any other user with this name, and when the write sets `active` to false
   * @throws QuotaReachedError
   */
  async create(
    context: ChangeContext,
    id: string,
    write: UserWrite,
    options?: TransactionOptions,
  ): Promise<UserRow> {
    const big = await isBigWrite(
      this.reader,
      `scim_user u JOIN group_member m ON m.integrationId = u.integrationId AND m.userId = u.id
       WHERE u.integrationId = ? AND u.userNameKey = ?`,
      [context.integrationId, fold(write.userName)],
    );
    return this.run(context, { big, ...options }, async (tx) => {
      const former = await findUserToRevive(tx, context.integrationId, write);
      return former ? this.revive(tx, context, former, write) : this.insert(tx, context, id, write);
    });
  }

  /**
   * @param change computes the new user from the stored one, or null for no change; it may run twice; if it throws, the
   *   transaction rolls back
   * @throws ResourceNotFoundError, ResourceConflictError
   */
  async change(
    context: ChangeContext,
    id: string,
    change: (current: UserRow) => UserWrite | null,
    options?: TransactionOptions,
  ): Promise<UserRow> {
    const big = await this.isInManyGroups(context.integrationId, id);
    return this.run(context, { big, ...options }, async (tx) => {
      const before = await readUser(tx, context.integrationId, id);
      const write = change(before);
      if (!write) return before;
      // A user that is reactivated with another external id is another person with a reused name.
      const another = !before.active && write.active && isAnotherPerson(before, write);
      const reachesTeams =
        write.active !== before.active ||
        write.email !== before.email ||
        write.targetAttributes !== before.targetAttributes;
      const groupIds = another
        ? await leaveGroups(tx, context, before)
        : reachesTeams
          ? (await lockMembershipsOf(tx, context.integrationId, id)).groupIds
          : [];
      if (!another) await lockUnchanged(tx, before);
      const after = await this.update(tx, context, before, write, before.incarnation + (another ? 1 : 0));
      await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
      if (before.active && !write.active) {
        await this.departures.call(tx, context, id);
        await this.marks.markLeaver(tx, context.integrationId, id);
      }
      await this.record(tx, context, 'user.updated', id, {
        userName: write.userName,
        ...keyChanges(before, write),
      });
      if (another) await countChange(tx, context, { memberships: -groupIds.length });
      return after;
    });
  }

  /**
   * The user is gone at once, also from its groups, and the user name is free.
   *
   * @throws ResourceNotFoundError
   */
  async delete(
    context: ChangeContext,
    id: string,
    accept: (current: UserRow) => void = () => undefined,
    options?: TransactionOptions,
  ): Promise<void> {
    const big = await this.isInManyGroups(context.integrationId, id);
    await this.run(context, { big, ...options }, async (tx) => {
      const before = await readUser(tx, context.integrationId, id);
      accept(before);
      const groupIds = await leaveGroups(tx, context, before);
      await tx.query(
        `UPDATE scim_user SET deletedAt = ?, active = 0, userNameKey = NULL, externalIdKey = NULL, emailKey = NULL
         WHERE id = ?`,
        [Date.now(), id],
      );
      await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
      if (before.active) await this.departures.call(tx, context, id);
      await this.marks.markLeaver(tx, context.integrationId, id);
      await this.record(tx, context, 'user.deleted', id, { userName: before.userName });
      await countChange(tx, context, { users: -1, memberships: -groupIds.length });
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
      `INSERT INTO scim_user (${COLUMNS}, userNameKey, externalIdKey, emailKey, targetAttributesKey)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        row.id,
        row.integrationId,
        row.userName,
        row.displayName,
        row.email,
        row.targetAttributes,
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
    await countChange(tx, context, { users: 1 });
    return row;
  }

  private async revive(
    tx: Transaction,
    context: ChangeContext,
    before: UserRow,
    write: UserWrite,
  ): Promise<UserRow> {
    const { id } = before;
    const groupIds = await leaveGroups(tx, context, before);
    const after = await this.update(tx, context, before, withId(write, id), before.incarnation + 1);
    await this.marks.mark(tx, context.integrationId, pairsOf(groupIds, id), context.actor.requestId);
    await this.record(tx, context, 'user.revived', id, { userName: write.userName });
    await countChange(tx, context, { memberships: -groupIds.length });
    return after;
  }

  private isInManyGroups(integrationId: string, userId: string): Promise<boolean> {
    return isBigWrite(this.reader, 'group_member WHERE integrationId = ? AND userId = ?', [
      integrationId,
      userId,
    ]);
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
      `UPDATE scim_user SET userName = ?, displayName = ?, email = ?, targetAttributes = ?, active = ?, incarnation = ?,
         version = ?, resource = ?, lastModified = ?, userNameKey = ?, externalIdKey = ?, emailKey = ?,
         targetAttributesKey = ? WHERE id = ?`,
      [
        after.userName,
        after.displayName,
        after.email,
        after.targetAttributes,
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
    await this.addresses.call(tx, context, { userId: id, emailKey: emailKeyOf(email) });
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

/** Locks the user and removes it from its groups. @returns ids of these groups, without deleted ones */
async function leaveGroups(
  tx: Transaction,
  { integrationId }: ChangeContext,
  user: UserRow,
): Promise<readonly string[]> {
  const memberships = await lockMembershipsOf(tx, integrationId, user.id);
  await lockUnchanged(tx, user);
  await endMemberships(tx, integrationId, user.id, memberships);
  return memberships.groupIds;
}

/** After this, no other transaction can write this user or add it to a group (the foreign key waits for the row). */
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
  { userName }: UserWrite,
): Promise<void> {
  const others = await tx.query(
    'SELECT 1 FROM scim_user WHERE integrationId = ? AND userNameKey = ? AND id <> ?',
    [integrationId, fold(userName), id],
  );
  if (others.length > 0) throw nameConflict();
}

/**
 * The inactive user that this write revives; null when the name is free.
 *
 * @throws ResourceConflictError
 */
async function findUserToRevive(
  tx: Transaction,
  integrationId: string,
  write: UserWrite,
): Promise<UserRow | null> {
  const [row] = await tx.query<UserRow>(
    `SELECT ${COLUMNS} FROM scim_user WHERE integrationId = ? AND userNameKey = ?`,
    [integrationId, fold(write.userName)],
  );
  if (!row) return null;
  const user = fromSql(row);
  if (user.active || !write.active) throw nameConflict();
  if (isAnotherPerson(user, write)) {
    throw new ResourceConflictError(
      'User',
      'userName',
      'An inactive user with another externalId has this userName: delete that user first, or send another userName.',
    );
  }
  return user;
}

/** Whether the write is for another person than the stored user: both have an external id, and the ids differ. */
function isAnotherPerson(before: UserRow, write: UserWrite): boolean {
  const externalId = externalIdOf(before);
  return externalId !== null && write.externalId !== null && write.externalId !== externalId;
}

function externalIdOf({ resource }: UserRow): string | null {
  return (JSON.parse(resource) as { externalId?: string }).externalId ?? null;
}

/** Changes of the attributes that identify the user to the IdP and the target. The audit log gets no others. */
function keyChanges(user: UserRow, write: UserWrite) {
  const before = { ...user, externalId: externalIdOf(user) };
  const changed = KEY_ATTRIBUTES.filter((attribute) => before[attribute] !== write[attribute]);
  return {
    changed,
    ...(changed.includes('active') ? { active: write.active } : {}),
    ...(changed.includes('email') ? { email: { from: before.email, to: write.email } } : {}),
  };
}

/** Replaces the id in `resource`: the write was serialised with a new id. */
function withId(write: UserWrite, id: string): UserWrite {
  return { ...write, resource: JSON.stringify({ ...(JSON.parse(write.resource) as object), id }) };
}

function pairsOf(groupIds: readonly string[], userId: string): Map<string, string[]> {
  return new Map(groupIds.map((groupId) => [groupId, [userId]]));
}

function nameConflict(): ResourceConflictError {
  return new ResourceConflictError('User', 'userName', 'Another user already has this userName.');
}

function columnsOf({ userName, displayName, email, targetAttributes, active, resource }: UserWrite) {
  return { userName, displayName, email, targetAttributes, active, resource };
}

function keysOf({ userName, externalId, email, targetAttributes }: UserWrite): (string | null)[] {
  return [
    fold(userName),
    externalId,
    email === null ? null : emailKeyOf(email),
    targetAttributes === null ? null : createHash('sha256').update(targetAttributes).digest('base64'),
  ];
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
