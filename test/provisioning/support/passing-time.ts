import { FOR_UPDATE } from '../../../src/database/dialect';
import { type Transaction, TransactionRunner } from '../../../src/database/transaction-runner';
import type { EmbeddedScheduler } from '../../../src/provisioning/schedule/embedded-scheduler';
import { Scheduler } from '../../../src/provisioning/schedule/scheduler';
import type { Scimify } from '../../support/scimify';
import { waitFor } from '../../support/wait';

/** All columns with due times: table → columns. */
const DUE_TIMES = {
  remote_user: ['nextCheckAt', 'checkedAt'],
  remote_member: ['nextAttemptAt', 'notFoundSince'],
  parked_member: ['nextAttemptAt'],
  unclear_write: ['checkAt'],
  remote_group: ['nextAttemptAt', 'notBefore', 'nameNextAttemptAt'],
  integration_work: ['dueAt', 'notBefore'],
};

/** Makes everything due earlier by this time, as if the time had passed. */
export async function letTimePass(scimify: Scimify, ms: number): Promise<void> {
  await betweenRuns(scimify, async (tx) => {
    for (const [table, columns] of Object.entries(DUE_TIMES)) {
      const sooner = columns.map((column) => `${column} = ${column} - ${ms}`);
      await tx.query(`UPDATE ${table} SET ${sooner.join(', ')}`);
    }
  });
}

/** A deletion waits this long for requests that were authenticated before it. */
const REQUESTS_END_WITHIN_MS = 6_000;

/** As if this time had passed. */
export async function letRequestsEnd(scimify: Scimify): Promise<void> {
  await scimify.app
    .get(TransactionRunner)
    .run((tx) =>
      tx.query('UPDATE integration SET deletingSince = deletingSince - ?', [REQUESTS_END_WITHIN_MS]),
    );
  await letTimePass(scimify, REQUESTS_END_WITHIN_MS);
}

/** As after an outage of the account: the integration makes no attempt for this time. */
export async function leaveAlone(scimify: Scimify, integrationId: string, ms: number): Promise<void> {
  const until = Date.now() + ms;
  const scheduler = scimify.app.get<Scheduler, EmbeddedScheduler>(Scheduler);
  // A run that has started but has no lease yet would write its own due time when it ends.
  await waitFor(
    'no run to be under way',
    () => scheduler['running'].size,
    (runs) => runs === 0,
  );
  await betweenRuns(scimify, (tx) =>
    tx.query('UPDATE integration_work SET dueAt = ?, notBefore = ?, hurried = 0 WHERE integrationId = ?', [
      until,
      until,
      integrationId,
    ]),
  );
}

/** As after a failure of the group: the group makes no attempt for this time. */
export async function putOff(scimify: Scimify, groupId: string, ms: number): Promise<void> {
  const until = Date.now() + ms;
  await betweenRuns(scimify, (tx) =>
    tx.query('UPDATE remote_group SET notBefore = ?, nextAttemptAt = ? WHERE groupId = ?', [
      until,
      until,
      groupId,
    ]),
  );
}

/** Changes rows while no run is active: a run that ends would overwrite due times with the ones it has read. */
export async function betweenRuns(
  scimify: Scimify,
  change: (tx: Transaction) => Promise<unknown>,
): Promise<void> {
  const transactions = scimify.app.get(TransactionRunner);
  await waitFor(
    'a moment between two runs',
    () =>
      transactions.run(async (tx) => {
        const leases = await tx.query<{ owner: string | null }>(`SELECT owner FROM lease${FOR_UPDATE}`);
        if (leases.some(({ owner }) => owner !== null)) return false;
        await change(tx);
        return true;
      }),
    (passed) => passed,
  );
}

/** As if teams had been created, or their creation attempted, earlier by this time. */
export async function letTimePassSinceCreations(scimify: Scimify, ms: number): Promise<void> {
  await scimify.app.get(TransactionRunner).run(async (tx) => {
    await tx.query('UPDATE remote_group SET createdRemotelyAt = createdRemotelyAt - ?', [ms]);
    const open = await tx.query<{ id: string; createIntent: string }>(
      `SELECT id, createIntent FROM remote_group WHERE createIntent IS NOT NULL${FOR_UPDATE}`,
    );
    for (const { id, createIntent } of open) {
      const intent = JSON.parse(createIntent) as { sentAt: number; since?: number };
      const { sentAt, since = sentAt } = intent;
      const earlier = JSON.stringify({ ...intent, sentAt: sentAt - ms, since: since - ms });
      await tx.query('UPDATE remote_group SET createIntent = ? WHERE id = ?', [earlier, id]);
    }
  });
}

/** As if all members had joined their teams earlier by this time. */
export async function letTimePassSinceJoins(scimify: Scimify, ms: number): Promise<void> {
  await scimify.app
    .get(TransactionRunner)
    .run((tx) => tx.query('UPDATE remote_member SET joinedAt = joinedAt - ?', [ms]));
}

/** As if all held changes had been held earlier by this time. */
export async function letTimePassSinceHeld(scimify: Scimify, ms: number): Promise<void> {
  await scimify.app
    .get(TransactionRunner)
    .run((tx) => tx.query('UPDATE held_item SET heldAt = heldAt - ?, lookAt = lookAt - ?', [ms, ms]));
}
