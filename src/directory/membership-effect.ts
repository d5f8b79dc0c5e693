import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { ROWS_PER_STATEMENT, chunksOf } from '../database/chunks';
import { inList } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import { isResourceId } from './resource-id';
import { sortedIds } from './sorted-ids';

/** A change of a group's members: add and remove some, or replace all. */
export type MembershipChange =
  | { kind: 'delta'; add: ReadonlySet<string>; remove: ReadonlySet<string> }
  | { kind: 'exact'; members: ReadonlySet<string> };

/** Users that the change really adds and removes, each list sorted by id. */
export interface MembershipEffect {
  added: readonly string[];
  removed: readonly string[];
}

/** Reads the affected memberships. The caller holds the lock of the group. */
export async function computeEffect(
  tx: Transaction,
  groupId: string,
  change: MembershipChange,
): Promise<MembershipEffect> {
  if (change.kind === 'exact') return compareWithMembers(tx, groupId, await sortedIds(change.members));
  return {
    added: await filterByMembership(tx, groupId, await sortedIds(change.add), false),
    removed: await filterByMembership(tx, groupId, await sortedIds(change.remove), true),
  };
}

/** @param wanted sorted, as are the members that are read: both lists are merged in one pass */
async function compareWithMembers(
  tx: Transaction,
  groupId: string,
  wanted: readonly string[],
): Promise<MembershipEffect> {
  const added: string[] = [];
  const removed: string[] = [];
  let next = 0;
  for await (const present of membersInSlices(tx, groupId)) {
    for (const userId of present) {
      while (next < wanted.length && wanted[next]! < userId) added.push(wanted[next++]!);
      if (wanted[next] === userId) next += 1;
      else removed.push(userId);
    }
  }
  return { added: added.concat(wanted.slice(next)), removed };
}

async function* membersInSlices(tx: Transaction, groupId: string): AsyncGenerator<string[]> {
  for (let after = ''; ;) {
    const rows = await tx.query<{ userId: string }>(
      `SELECT userId FROM group_member WHERE groupId = ? AND userId > ?
       ORDER BY userId LIMIT ${ROWS_PER_STATEMENT}`,
      [groupId, after],
    );
    yield rows.map(({ userId }) => userId);
    if (rows.length < ROWS_PER_STATEMENT) return;
    after = rows.at(-1)!.userId;
    await yieldToEventLoop();
  }
}

/** @param present true: the users that are in the group; false: the users that are not */
async function filterByMembership(
  tx: Transaction,
  groupId: string,
  userIds: readonly string[],
  present: boolean,
): Promise<string[]> {
  const found: string[] = [];
  for await (const some of chunksOf(userIds)) {
    const possible = some.filter(isResourceId);
    const rows =
      possible.length === 0
        ? []
        : await tx.query<{ userId: string }>(
            `SELECT userId FROM group_member WHERE groupId = ? AND userId IN (${inList(possible)})`,
            [groupId, ...possible],
          );
    const members = new Set(rows.map(({ userId }) => userId));
    found.push(...some.filter((userId) => members.has(userId) === present));
  }
  return found;
}
