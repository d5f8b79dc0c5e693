import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { LONGEST_PASSING_DELAY, PROBE_EVERY_MS, UNCLEAR_FOR_MS, refusalDelay } from '../plan/backoff';
import { LEAVER_MAY_WAIT_MS } from '../plan/mass-change-guard';
import type { CreateIntent } from './remote-group.entity';

/** The clocks of several processes on one database may differ by this much. */
const CLOCKS_DIFFER_BY_MS = 60_000;
/** Groups per statement: each may have thousands of waiting members. */
const GROUPS_AT_ONCE = 10;

const LONGEST_REFUSAL_DELAY = refusalDelay(Infinity);

/**
 * Conditions that only a clock that was set back explains, as queries for the integrations: a delay longer than
 * the backoff allows, or a time of a past event that lies in the future. Takes the bounds of
 * `waitingImpossiblyLong`.
 */
const IMPOSSIBLE = [
  'SELECT integrationId FROM integration_work WHERE notBefore > :passing OR reconciledAt > :done OR secondLookAskedAt > :done',
  'SELECT id AS integrationId FROM integration WHERE nextProbeAt > :probe',
  `SELECT integrationId FROM remote_group WHERE (state = 'retrying' AND nextAttemptAt > :passing)
     OR notBefore > :refusal OR nameNextAttemptAt > :refusal OR lastWriteAt > :done OR createdRemotelyAt > :done`,
  `SELECT integrationId FROM parked_member
     WHERE nextAttemptAt > :refusal OR (kind = 'passing' AND nextAttemptAt > :passing)`,
  `SELECT g.integrationId FROM remote_group g JOIN remote_member m ON m.remoteGroupId = g.id
     AND m.kind = 'passing' AND m.nextAttemptAt > :passing`,
  'SELECT integrationId FROM remote_user WHERE nextCheckAt > :refusal OR checkedAt > :done',
  `SELECT g.integrationId FROM remote_group g JOIN unclear_write w ON w.remoteGroupId = g.id WHERE w.checkAt > :unclear`,
  'SELECT integrationId FROM held_item WHERE heldAt > :done OR lookAt > :decision',
];

/** Integrations in which a delay, counted from `now`, is longer than possible. */
export async function waitingImpossiblyLong(
  query: (sql: string, parameters: number[]) => Promise<{ integrationId: string }[]>,
  now: number,
): Promise<string[]> {
  const bounds: Record<string, number> = {
    done: now,
    passing: now + LONGEST_PASSING_DELAY,
    refusal: now + LONGEST_REFUSAL_DELAY,
    probe: now + PROBE_EVERY_MS,
    unclear: now + UNCLEAR_FOR_MS,
    decision: now + LEAVER_MAY_WAIT_MS,
  };
  const found = new Set<string>();
  for (const sql of IMPOSSIBLE) {
    const parameters: number[] = [];
    const bound = sql.replace(/:(\w+)/g, (_, name: string) => {
      parameters.push(bounds[name]! + CLOCKS_DIFFER_BY_MS);
      return '?';
    });
    const rows = await query(`SELECT DISTINCT integrationId FROM (${bound}) waits`, parameters);
    for (const { integrationId } of rows) found.add(integrationId);
  }
  return [...found];
}

/**
 * Brings all due times of the integration forward by that time; what would be due by then is due now.
 *
 * @param ms `Infinity`: everything is due now
 */
export async function bringForward(
  tx: Transaction,
  integrationId: string,
  ms: number,
  now: number,
): Promise<void> {
  const sooner = async (table: string, columns: string[], which: string, of: readonly string[]) => {
    for (const column of columns) {
      await tx.query(
        Number.isFinite(ms)
          ? `UPDATE ${table} SET ${column} = CASE WHEN ${column} - ? > ? THEN ${column} - ? ELSE ? END
             WHERE ${which} AND ${column} > ?`
          : `UPDATE ${table} SET ${column} = ? WHERE ${which} AND ${column} > ?`,
        Number.isFinite(ms) ? [ms, now, ms, now, ...of, now] : [now, ...of, now],
      );
    }
  };
  const ofIntegration = 'integrationId = ?';
  await sooner('integration', ['nextProbeAt', 'deletingSince'], 'id = ?', [integrationId]);
  await sooner('integration_work', ['dueAt', 'notBefore', 'reconcileAt'], ofIntegration, [integrationId]);
  await sooner('remote_user', ['nextCheckAt'], ofIntegration, [integrationId]);
  await sooner('held_item', ['lookAt'], ofIntegration, [integrationId]);
  await sooner('remote_group', ['nextAttemptAt', 'notBefore', 'nameNextAttemptAt'], ofIntegration, [
    integrationId,
  ]);
  // A past event in the future happened now at the latest: otherwise it would count as recent until then.
  for (const [table, column] of STAMPS) await sooner(table, [column], ofIntegration, [integrationId]);
  await creationsSooner(tx, integrationId, ms, now);
  const groups = await tx.query<{ id: string }>('SELECT id FROM remote_group WHERE integrationId = ?', [
    integrationId,
  ]);
  for (let start = 0; start < groups.length; start += GROUPS_AT_ONCE) {
    if (start > 0) await yieldToEventLoop();
    const ids = groups.slice(start, start + GROUPS_AT_ONCE).map(({ id }) => id);
    const inThese = `remoteGroupId IN (${inList(ids)})`;
    await sooner('remote_member', ['nextAttemptAt', 'notFoundSince', 'joinedAt'], inThese, ids);
    await sooner('parked_member', ['nextAttemptAt'], inThese, ids);
    await sooner('unclear_write', ['checkAt'], inThese, ids);
  }
}

/** Creations in progress: an account has only a few. */
async function creationsSooner(
  tx: Transaction,
  integrationId: string,
  ms: number,
  now: number,
): Promise<void> {
  const open = await tx.query<{ id: string; createIntent: string }>(
    'SELECT id, createIntent FROM remote_group WHERE integrationId = ? AND createIntent IS NOT NULL',
    [integrationId],
  );
  for (const { id, createIntent } of open) {
    const intent = JSON.parse(createIntent) as CreateIntent;
    if (intent.sentAt <= now) continue;
    const sentAt = Math.max(now, intent.sentAt - ms);
    const since = intent.since === undefined ? {} : { since: Math.min(intent.since, sentAt) };
    const sooner = JSON.stringify({ ...intent, sentAt, ...since });
    await tx.query('UPDATE remote_group SET createIntent = ? WHERE id = ?', [sooner, id]);
  }
}

const STAMPS: [table: string, column: string][] = [
  ['integration_work', 'reconciledAt'],
  ['integration_work', 'secondLookAskedAt'],
  ['remote_user', 'checkedAt'],
  ['remote_group', 'lastWriteAt'],
  ['remote_group', 'createdRemotelyAt'],
  ['guard_event', 'at'],
  ['held_item', 'heldAt'],
];
