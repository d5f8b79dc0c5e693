import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { EMAIL_DIFFERS } from '../plan/link-plan';

/** Groups per statement: each may have thousands of waiting members. */
const GROUPS_AT_ONCE = 10;

/**
 * Makes everything that waits in these groups due now, or at that time.
 *
 * @param which condition on `remote_group`
 */
export function makeGroupsDue(
  tx: Transaction,
  which: string,
  params: readonly unknown[],
  at: number = Date.now(),
): Promise<void> {
  return ofEach(tx, which, params, (ids) => makeSomeDue(tx, ids, at));
}

/**
 * Makes every failed item of the integration, or of one group, due now, and resets its count of failures: after a
 * new failure it waits as after the first.
 */
export async function forgetFailures(
  tx: Transaction,
  integrationId: string,
  groupId?: string,
): Promise<void> {
  const given = groupId === undefined ? [integrationId] : [integrationId, groupId];
  await ofEach(
    tx,
    `integrationId = ?${groupId === undefined ? '' : ' AND groupId = ?'}`,
    given,
    async (ids) => {
      await forgetAttempts(tx, ids);
      await makeSomeDue(tx, ids, Date.now());
    },
  );
  // Also looks up again the users whose link comes from a former address.
  const members =
    groupId === undefined ? '' : 'AND userId IN (SELECT userId FROM group_member WHERE groupId = ?)';
  await tx.query(
    `UPDATE remote_user SET nextCheckAt = ?, attempts = 0
     WHERE integrationId = ? AND reason = '${EMAIL_DIFFERS}' ${members}`,
    [Date.now(), ...given],
  );
}

/** An admin wants a retry of this group, also if a run in progress fails on it. */
export async function noteAskedFor(tx: Transaction, integrationId: string, groupId: string): Promise<void> {
  await tx.query('UPDATE remote_group SET askedAt = ? WHERE integrationId = ? AND groupId = ?', [
    Date.now(),
    integrationId,
    groupId,
  ]);
}

/** As `forgetFailures`, for the groups that an admin has requested since the last run began. */
export async function forgetFailuresAskedFor(tx: Transaction, integrationId: string): Promise<void> {
  const groups = await tx.query<{ groupId: string }>(
    'SELECT groupId FROM remote_group WHERE integrationId = ? AND askedAt IS NOT NULL',
    [integrationId],
  );
  for (const { groupId } of groups) await forgetFailures(tx, integrationId, groupId);
}

/** Makes the additions that were refused for this reason due now, as if for the first time. */
export function forgetRefusals(tx: Transaction, integrationId: string, reason: string): Promise<void> {
  return ofEach(tx, 'integrationId = ?', [integrationId], async (ids) => {
    const now = Date.now();
    const groups = inList(ids);
    await tx.query(
      `UPDATE remote_group SET nextAttemptAt = ? WHERE id IN (${groups}) AND nextAttemptAt > ?
         AND (notBefore IS NULL OR notBefore <= ?)
         AND EXISTS (SELECT 1 FROM parked_member p WHERE p.remoteGroupId = remote_group.id AND p.reason = ?)`,
      [now, ...ids, now, now, reason],
    );
    await tx.query(
      `UPDATE parked_member SET nextAttemptAt = ?, attempts = 0 WHERE remoteGroupId IN (${groups}) AND reason = ?`,
      [now, ...ids, reason],
    );
  });
}

/** A few groups at a time, so that other work can run in between. */
async function ofEach(
  tx: Transaction,
  which: string,
  params: readonly unknown[],
  work: (remoteGroupIds: readonly string[]) => Promise<void>,
): Promise<void> {
  const groups = await tx.query<{ id: string }>(`SELECT id FROM remote_group WHERE ${which}`, params);
  for (let start = 0; start < groups.length; start += GROUPS_AT_ONCE) {
    if (start > 0) await yieldToEventLoop();
    await work(groups.slice(start, start + GROUPS_AT_ONCE).map(({ id }) => id));
  }
}

/** Read first: as a subquery, MariaDB scans all users. */
async function parkedIn(tx: Transaction, remoteGroupIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ userId: string }>(
    `SELECT DISTINCT userId FROM parked_member WHERE remoteGroupId IN (${inList(remoteGroupIds)})`,
    [...remoteGroupIds],
  );
  return rows.map(({ userId }) => userId);
}

async function forgetAttempts(tx: Transaction, remoteGroupIds: readonly string[]): Promise<void> {
  const groups = inList(remoteGroupIds);
  for await (const some of chunksOf(await parkedIn(tx, remoteGroupIds))) {
    await tx.query(`UPDATE remote_user SET attempts = 0 WHERE attempts > 0 AND userId IN (${inList(some)})`, [
      ...some,
    ]);
  }
  await tx.query(
    `UPDATE parked_member SET attempts = 0 WHERE attempts > 0 AND remoteGroupId IN (${groups})`,
    [...remoteGroupIds],
  );
  await tx.query(
    `UPDATE remote_member SET attempts = 0, refusals = NULL
     WHERE (attempts > 0 OR refusals > 0) AND remoteGroupId IN (${groups})`,
    [...remoteGroupIds],
  );
  await tx.query(`UPDATE remote_group SET attempts = 0, nameAttempts = 0 WHERE id IN (${groups})`, [
    ...remoteGroupIds,
  ]);
}

async function makeSomeDue(tx: Transaction, remoteGroupIds: readonly string[], at: number): Promise<void> {
  const groups = inList(remoteGroupIds);
  for await (const some of chunksOf(await parkedIn(tx, remoteGroupIds))) {
    await tx.query(
      `UPDATE remote_user SET nextCheckAt = ? WHERE remoteUserId IS NULL AND userId IN (${inList(some)})`,
      [at, ...some],
    );
  }
  await tx.query(`UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId IN (${groups})`, [
    at,
    ...remoteGroupIds,
  ]);
  await tx.query(
    `UPDATE remote_member SET nextAttemptAt = ? WHERE nextAttemptAt IS NOT NULL AND remoteGroupId IN (${groups})`,
    [at, ...remoteGroupIds],
  );
  await tx.query(
    `UPDATE remote_group SET notBefore = NULL, nextAttemptAt = ?,
       nameNextAttemptAt = CASE WHEN nameNextAttemptAt IS NULL THEN NULL ELSE ? END
     WHERE id IN (${groups}) AND nextAttemptAt IS NOT NULL`,
    [at, at, ...remoteGroupIds],
  );
}
