import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log';
import { RestartTransaction, isUniqueViolation } from '../database/database-errors';
import { FOR_UPDATE, inList } from '../database/dialect';
import { type Transaction, type TransactionOptions, TransactionRunner } from '../database/transaction-runner';
import type { ChangeContext } from './change-context';
import { ChangeMarks } from './change-marks';
import { ResourceConflictError, ResourceNotFoundError } from './directory-errors';
import { fold } from './fold';
import type { ListRequest, SqlCondition } from './resource-page';
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
const LIVE = 'integrationId = ? AND deletedAt IS NULL';

/** The users of every integration, as their IdPs want them. */
@Injectable()
export class Users {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly marks: ChangeMarks,
    private readonly audit: AuditLog,
  ) {}

  async find(integrationId: string, id: string): Promise<UserRow | null> {
    const rows = await this.reader.query<UserRow[]>(
      `SELECT ${COLUMNS} FROM scim_user WHERE id = ? AND ${LIVE}`,
      [id, integrationId],
    );
    return rows[0] ? fromSql(rows[0]) : null;
  }

  async count(integrationId: string, where: SqlCondition | null): Promise<number> {
    const [row] = await this.reader.query<[{ total: number }]>(
      `SELECT COUNT(*) AS total FROM scim_user WHERE ${LIVE}${and(where)}`,
      [integrationId, ...(where?.params ?? [])],
    );
    return Number(row.total);
  }

  async list(integrationId: string, { where, offset, limit }: ListRequest): Promise<UserRow[]> {
    const rows = await this.reader.query<UserRow[]>(
      `SELECT ${COLUMNS} FROM scim_user WHERE ${LIVE}${and(where)} ORDER BY id LIMIT ? OFFSET ?`,
      [integrationId, ...(where?.params ?? []), limit, offset],
    );
    return rows.map(fromSql);
  }

  /** @throws ResourceConflictError */
  async create(
    context: ChangeContext,
    id: string,
    write: UserWrite,
    options?: TransactionOptions,
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
    await this.run(context, options, async (tx) => {
      await assertFree(tx, context.integrationId, id, write);
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
      await this.record(tx, context, 'user.created', id, { userName: write.userName });
    });
    return row;
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
      const reachesTeams = write.active !== before.active || write.email !== before.email;
      const groupIds = reachesTeams ? await lockGroupsOf(tx, context.integrationId, id) : [];
      await lockUnchanged(tx, before);
      await assertFree(tx, context.integrationId, id, write);
      const after: UserRow = {
        ...before,
        ...columnsOf(write),
        version: before.version + 1,
        lastModified: Math.max(Date.now(), before.lastModified + 1),
      };
      await tx.query(
        `UPDATE scim_user SET userName = ?, displayName = ?, email = ?, active = ?, version = ?, resource = ?,
           lastModified = ?, userNameKey = ?, externalIdKey = ?, emailKey = ? WHERE id = ?`,
        [
          after.userName,
          after.displayName,
          after.email,
          after.active ? 1 : 0,
          after.version,
          after.resource,
          after.lastModified,
          ...keysOf(write),
          id,
        ],
      );
      await this.marks.mark(tx, context.integrationId, new Map(groupIds.map((groupId) => [groupId, [id]])));
      await this.record(tx, context, 'user.updated', id, {
        userName: write.userName,
        ...(write.active === before.active ? {} : { active: write.active }),
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
      const groupIds = await lockGroupsOf(tx, context.integrationId, id);
      await lockUnchanged(tx, before);
      const now = Date.now();
      await tx.query('DELETE FROM group_member WHERE integrationId = ? AND userId = ?', [
        context.integrationId,
        id,
      ]);
      if (groupIds.length > 0) {
        await tx.query(
          `UPDATE scim_group SET generation = generation + 1, version = version + 1, lastModified = ?
           WHERE id IN (${inList(groupIds)})`,
          [now, ...groupIds],
        );
      }
      await tx.query(
        `UPDATE scim_user SET deletedAt = ?, active = 0, userNameKey = NULL, externalIdKey = NULL, emailKey = NULL
         WHERE id = ?`,
        [now, id],
      );
      await this.marks.mark(tx, context.integrationId, new Map(groupIds.map((groupId) => [groupId, [id]])));
      await this.record(tx, context, 'user.deleted', id, { userName: before.userName });
    });
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

function conflict(attribute: 'userName' | 'externalId'): ResourceConflictError {
  return new ResourceConflictError('User', attribute, `Another user already has this ${attribute}.`);
}

function columnsOf({ userName, displayName, email, active, resource }: UserWrite) {
  return { userName, displayName, email, active, resource };
}

function keysOf({ userName, externalId, email }: UserWrite): (string | null)[] {
  return [fold(userName), externalId, email === null ? null : fold(email.trim())];
}

function and(where: SqlCondition | null): string {
  return where ? ` AND (${where.sql})` : '';
}

function fromSql(row: UserRow): UserRow {
  return {
    ...row,
    active: Boolean(row.active),
    createdAt: Number(row.createdAt),
    lastModified: Number(row.lastModified),
  };
}
