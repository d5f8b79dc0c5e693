import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { ROWS_PER_STATEMENT, chunksOf } from '../database/chunks';
import { RestartTransaction } from '../database/database-errors';
import { FOR_UPDATE, inList } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';

/** The groups of one user, sorted by id. */
export interface MembershipsOfUser {
  /** Groups that are not deleted. */
  groupIds: readonly string[];
  /** All groups, including deleted ones that wait for the engine. */
  allGroupIds: readonly string[];
}

/**
 * Locks the groups of a user in the order of their ids. Every transaction locks groups before users, so there is no
 * deadlock.
 */
export async function lockMembershipsOf(
  tx: Transaction,
  integrationId: string,
  userId: string,
): Promise<MembershipsOfUser> {
  const groupIds: string[] = [];
  const allGroupIds: string[] = [];
  for (let after = ''; ;) {
    const rows = await tx.query<{ id: string; deletedAt: number | null }>(
      `SELECT m.groupId AS id, g.deletedAt AS deletedAt
       FROM group_member m JOIN scim_group g ON g.id = m.groupId
       WHERE m.integrationId = ? AND m.userId = ? AND m.groupId > ?
       ORDER BY m.groupId LIMIT ${ROWS_PER_STATEMENT}${FOR_UPDATE}`,
      [integrationId, userId, after],
    );
    for (const { id, deletedAt } of rows) {
      allGroupIds.push(id);
      if (deletedAt === null) groupIds.push(id);
    }
    if (rows.length < ROWS_PER_STATEMENT) return { groupIds, allGroupIds };
    after = rows.at(-1)!.id;
    await yieldToEventLoop();
  }
}

/**
 * Removes the user, which the caller has locked, from these groups, and raises the groups' generation and version.
 *
 * @throws RestartTransaction when the user was added to another group before it was locked
 */
export async function endMemberships(
  tx: Transaction,
  integrationId: string,
  userId: string,
  { groupIds, allGroupIds }: MembershipsOfUser,
): Promise<void> {
  for await (const some of chunksOf(allGroupIds)) {
    await tx.query(`DELETE FROM group_member WHERE userId = ? AND groupId IN (${inList(some)})`, [
      userId,
      ...some,
    ]);
  }
  const left = await tx.query('SELECT 1 FROM group_member WHERE integrationId = ? AND userId = ? LIMIT 1', [
    integrationId,
    userId,
  ]);
  if (left.length > 0) throw new RestartTransaction('The user was added to a group meanwhile.');
  for await (const some of chunksOf(groupIds)) {
    await tx.query(
      `UPDATE scim_group SET generation = generation + 1, version = version + 1, lastModified = ?
       WHERE id IN (${inList(some)})`,
      [Date.now(), ...some],
    );
  }
}
