import { placeholders } from '../../../src/database/dialect';
import { TransactionRunner } from '../../../src/database/transaction-runner';
import { fold } from '../../../src/directory/fold';
import type { Scimify, TestIntegration } from '../../support/scimify';

const ROWS_PER_STATEMENT = 500;
const STATEMENTS_PER_TRANSACTION = 20;

export interface Filling {
  users: number;
  /** Groups of all users. */
  largeGroups: number;
  /** How many of the large groups have no team yet, and wait for a comparison of all members. */
  withoutTeam: number;
  /** Groups of two. */
  smallGroups: number;
}

export interface Filled {
  userIds: string[];
  largeGroupIds: string[];
  smallGroupIds: string[];
}

type Row = Record<string, string | number | null>;

/**
 * Inserts the rows of a directory and of its target's state, as if the integration had been in use for long. One in ten
 * users is unknown to the target. One in fifty is inactive, and the target keeps every second of these in the teams. One in
 * thirty-three is linked by a former address.
 */
export async function fillIntegration(
  scimify: Scimify,
  { id: integrationId }: Pick<TestIntegration, 'id'>,
  { users, largeGroups, withoutTeam, smallGroups }: Filling,
): Promise<Filled> {
  const insert = inserter(scimify);
  const now = Date.now();
  const userIds = numbered(users, (n) => uuidOf('1', n));
  const largeGroupIds = numbered(largeGroups, (n) => uuidOf('2', n));
  const smallGroupIds = numbered(smallGroups, (n) => uuidOf('3', n));
  const dates = { createdAt: now, lastModified: now, deletedAt: null };
  await insert('scim_user', userIds, (id, n) => ({
    id,
    integrationId,
    userNameKey: fold(nameOf(n)),
    externalIdKey: null,
    emailKey: fold(nameOf(n)),
    userName: nameOf(n),
    displayName: `User ${n}`,
    email: nameOf(n),
    active: isActive(n) ? 1 : 0,
    incarnation: 1,
    version: 1,
    resource: '{}',
    ...dates,
  }));
  await insert('remote_user', userIds, (userId, n) => ({
    userId,
    integrationId,
    state: isUnknown(n) ? 'not_found' : 'resolved',
    remoteUserId: isUnknown(n) ? null : remoteIdOf(n),
    linkedEmailKey: isUnknown(n) ? null : fold(nameOf(n)),
    emailKey: fold(nameOf(n)),
    incarnation: 1,
    reason: isUnknown(n) ? 'user_not_found' : n % 33 === 0 ? 'email_differs' : null,
    message: isUnknown(n) ? 'No user has this address.' : null,
    attempts: 0,
    pinned: 0,
    checkedAt: now,
    nextCheckAt: isUnknown(n) || n % 33 === 0 ? now - 1_000 + (isUnknown(n) ? 3_600_000 : 0) : null,
  }));
  const groupIds = [...largeGroupIds, ...smallGroupIds];
  await insert('scim_group', groupIds, (id, n) => ({
    id,
    integrationId,
    displayNameKey: `group ${n}`,
    displayNameUniqueKey: `group ${n}`,
    externalIdKey: null,
    displayName: `Group ${n}`,
    generation: 1,
    version: 1,
    resource: '{}',
    ...dates,
  }));
  const hasTeam = (n: number) => n >= withoutTeam;
  await insert(
    'remote_group',
    groupIds.flatMap((id, n) => (hasTeam(n) ? [[id, n] as const] : [])),
    ([groupId, n]) => ({
      id: teamIdOf(groupId),
      integrationId,
      groupId,
      groupName: `Group ${n}`,
      accountIdentity: integrationId,
      remoteId: `T${n}`,
      remoteName: `Group ${n}`,
      remoteNameKey: `group ${n}`,
      remoteUrl: null,
      ownership: 'created',
      appliedGeneration: 1,
      state: n < largeGroups ? 'partial' : 'synced',
      attempts: 0,
      nameAttempts: 0,
      writeSeq: 0,
    }),
  );
  await insert('group_change', groupIds.slice(0, withoutTeam), (groupId, n) => ({
    groupId,
    integrationId,
    mark: uuidOf('4', n),
    whole: 1,
    since: now,
  }));
  for (const [group, groupId] of groupIds.entries()) {
    const members = group < largeGroups ? userIds.map((_, n) => n) : [group % users, (group + 1) % users];
    await insert('group_member', members, (n) => ({ groupId, userId: userIds[n]!, integrationId }));
    if (!hasTeam(group)) continue;
    const remoteGroupId = teamIdOf(groupId);
    await insert(
      'remote_member',
      members.filter((n) => !isUnknown(n) && (isActive(n) || isKept(n))),
      (n) => ({
        remoteGroupId,
        remoteUserId: remoteIdOf(n),
        state: isActive(n) ? 'present' : 'removing',
        managed: 1,
        preexisting: 0,
        kind: isActive(n) ? null : 'waiting',
        reason: isActive(n) ? null : 'refused',
        message: isActive(n) ? null : 'They are on an escalation policy.',
        attempts: isActive(n) ? 0 : 1,
        nextAttemptAt: isActive(n) ? null : now + 3_600_000,
        joinedAt: now - 86_400_000,
      }),
    );
    await insert(
      'parked_member',
      members.filter((n) => isUnknown(n) && isActive(n)),
      (n) => ({
        remoteGroupId,
        userId: userIds[n]!,
        integrationId,
        kind: 'waiting',
        reason: 'user_not_found',
        message: 'No user has this address.',
        attempts: 1,
        nextAttemptAt: now + 3_600_000,
      }),
    );
  }
  return { userIds, largeGroupIds, smallGroupIds };
}

const nameOf = (n: number) => `user.${String(n).padStart(6, '0')}@example.com`;
const remoteIdOf = (n: number) => `P${String(n).padStart(6, '0')}`;
const teamIdOf = (groupId: string) => `f${groupId.slice(1)}`;
const isActive = (n: number) => n % 50 !== 0;
const isKept = (n: number) => n % 100 === 0;
const isUnknown = (n: number) => n % 10 === 9;

function uuidOf(kind: string, n: number): string {
  return `0000000${kind}-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

function numbered(count: number, idOf: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => idOf(n));
}

function inserter(scimify: Scimify) {
  const transactions = scimify.app.get(TransactionRunner);
  return async <T>(table: string, items: readonly T[], rowOf: (item: T, n: number) => Row): Promise<void> => {
    const perTransaction = ROWS_PER_STATEMENT * STATEMENTS_PER_TRANSACTION;
    for (let start = 0; start < items.length; start += perTransaction) {
      await transactions.run(async (tx) => {
        const end = Math.min(items.length, start + perTransaction);
        for (let from = start; from < end; from += ROWS_PER_STATEMENT) {
          const rows = items
            .slice(from, Math.min(end, from + ROWS_PER_STATEMENT))
            .map((item, n) => rowOf(item, from + n));
          const columns = Object.keys(rows[0]!);
          await tx.query(
            `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${placeholders(rows.length, columns.length)}`,
            rows.flatMap((row) => columns.map((column) => row[column])),
          );
        }
      });
    }
  };
}
