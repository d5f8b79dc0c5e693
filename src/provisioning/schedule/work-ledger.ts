import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { FOR_UPDATE, upsertSql } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { passingFailureDelay } from '../plan/backoff';
import { READS_LAG_MS } from '../plan/just-created';
import { CHANGE_IS_DUE } from '../state/due-changes';
import { MAY_WRITE } from '../state/may-write';
import { forgetFailures, forgetFailuresAskedFor } from '../state/waiting-groups';
import { noteFirstSync } from '../state/first-sync';
import { type Lease, Leases } from './lease';

/** As long as its column is. */
const PROBLEM_LENGTH = 1000;

/** How a look at the whole target ended. */
export interface ReconciliationEnd {
  startedAt: number;
  /** Whether it went by what an admin had said of missing teams. */
  acceptedMissing: boolean;
  /** Why not everything was seen; null where it was. */
  problem: { reason: string; message: string } | null;
  /** Whether the problem may be gone in a moment. */
  passes: boolean;
  /** Whether it could be told of every team that is held whether it is there. */
  teamsTold: boolean;
  /** Whether it left out a team that may differ from what is known of it. */
  leftOut: boolean;
}

/** What a run finds as it begins. */
export interface RunBeginning {
  /** Somebody has hurried it since the last run began: then nothing counts that the connection remembers of failures. */
  isUrgent: boolean;
  /** They want everything tried again that failed. */
  forgets: boolean;
  /** Whether the target is to be looked at as a whole now, and whether teams that are not to be seen were really deleted. */
  reconciliation: { due: boolean; acceptMissing: boolean };
}

/**
 * A second look comes so long after one that left teams out: when reads show what was written then, and no failure of that
 * moment is tried again (`leaverDelay`).
 */
const SECOND_LOOK_AFTER_MS = READS_LAG_MS + 2 * 60_000;

/** By then the lease of a run that was cut off has run out. */
const CONTINUED_AFTER_MS = 30_000;

/** When each integration is to be looked at next, beside its fresh changes. */
@Injectable()
export class WorkLedger {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /**
   * A run begins: should it be cut off before it says when the next one is due, that one comes soon all the same. For one
   * that takes longer, it is a look too many.
   *
   * @param reconcileEveryMs null where the target is never looked at as a whole again; an integration that was never looked
   *   at is looked at one interval after its first run
   */
  async begin(
    tx: Transaction,
    integrationId: string,
    reconcileEveryMs: number | null,
  ): Promise<RunBeginning> {
    const now = Date.now();
    const dueAt = now + CONTINUED_AFTER_MS;
    let known = await workOf(tx, integrationId);
    if (known === null) {
      await makeRow(tx, integrationId);
      known = await workOf(tx, integrationId);
    }
    const { hurried, forgets, reconcileAt, acceptMissing } = known ?? NEVER_LOOKED_AT;
    const mayStay =
      reconcileEveryMs === null || (reconcileAt !== null && reconcileAt <= now + reconcileEveryMs);
    await tx.query(
      `UPDATE integration_work SET hurried = 0, forgets = NULL, dueAt = CASE WHEN dueAt < ? THEN dueAt ELSE ? END, reconcileAt = ?
       WHERE integrationId = ?`,
      // The interval may have been made shorter since.
      [dueAt, dueAt, mayStay ? reconcileAt : now + reconcileEveryMs, integrationId],
    );
    if (hurried)
      await tx.query(
        'UPDATE remote_group SET askedAt = NULL WHERE integrationId = ? AND askedAt IS NOT NULL',
        [integrationId],
      );
    const due = reconcileEveryMs !== null && reconcileAt !== null && reconcileAt <= now;
    return { isUrgent: hurried, forgets, reconciliation: { due, acceptMissing } };
  }

  /** Whether somebody has hurried it since the last run began. */
  async isUrgent(tx: Transaction, integrationId: string): Promise<boolean> {
    return (await workOf(tx, integrationId))?.hurried ?? false;
  }

  /** A run came to its end: nothing is tried before `dueAt` but fresh changes and the next reconciliation. */
  async settle(lease: Lease, dueAt: number | null): Promise<void> {
    await this.leases.run(lease, async (tx) => {
      const { reconcileAt, firstSyncedAt } = (await workOf(tx, lease.integrationId)) ?? NEVER_LOOKED_AT;
      if (firstSyncedAt === null) await noteFirstSync(tx, lease.integrationId);
      const next = Math.min(dueAt ?? Infinity, reconcileAt ?? Infinity);
      await end(tx, lease.integrationId, {
        dueAt: next === Infinity ? null : next,
        notBefore: null,
        failures: 0,
      });
    });
  }

  /**
   * The next look is an interval away, but soon where this one failed for a passing reason, or another was asked for
   * meanwhile; and after a few minutes where this one left teams out. That is so once per interval, as in an integration that
   * is written to without end each look leaves some out.
   *
   * @returns when it is, in epoch milliseconds
   */
  async reconciled(
    lease: Lease,
    everyMs: number,
    { startedAt, acceptedMissing, problem, passes, teamsTold, leftOut }: ReconciliationEnd,
  ): Promise<number> {
    return this.leases.run(lease, async (tx) => {
      const now = Date.now();
      const before = (await workOf(tx, lease.integrationId)) ?? NEVER_LOOKED_AT;
      const askedFor =
        before.reconcileAt !== null && before.reconcileAt > startedAt ? before.reconcileAt : null;
      const failures = passes ? before.reconcileFailures + 1 : 0;
      const delay = passes
        ? Math.min(everyMs, passingFailureDelay(failures, undefined, Math.random()))
        : everyMs;
      const { secondLookAskedAt } = before;
      const hasSecondLook =
        leftOut && !passes && (secondLookAskedAt === null || secondLookAskedAt <= now - everyMs);
      const next = now + (hasSecondLook ? Math.min(everyMs, SECOND_LOOK_AFTER_MS) : delay);
      const reconcileAt = Math.min(askedFor ?? Infinity, next);
      // What was accepted holds for one look at the teams, and for no team that goes missing later.
      const acceptMissing = before.acceptMissing && !(acceptedMissing && teamsTold);
      await tx.query(
        `UPDATE integration_work SET reconcileAt = ?, acceptMissing = ?, reconcileFailures = ?, reconcileReason = ?,
           reconcileMessage = ?, secondLookAskedAt = ?, reconciledAt = CASE WHEN ? = 1 THEN ? ELSE reconciledAt END WHERE integrationId = ?`,
        [
          reconcileAt,
          acceptMissing ? 1 : 0,
          failures,
          problem?.reason ?? null,
          problem?.message.slice(0, PROBLEM_LENGTH) ?? null,
          hasSecondLook ? now : secondLookAskedAt,
          problem === null ? 1 : 0,
          now,
          lease.integrationId,
        ],
      );
      return reconcileAt;
    });
  }

  /**
   * Something that was met on the way can only be told by looking at the whole target. A look that is going on may have read
   * past it already: it is followed by another one.
   *
   * @param inMs so that a run that begins now tries first what waits; one that is due sooner stays so, however often it is asked for
   */
  async expediteReconciliation(tx: Transaction, integrationId: string, inMs = 0): Promise<void> {
    const now = Date.now();
    await tx.query(
      `UPDATE integration_work
       SET reconcileAt = CASE WHEN reconcileAt <= ? THEN ? WHEN reconcileAt <= ? THEN reconcileAt ELSE ? END
       WHERE integrationId = ? AND reconcileAt IS NOT NULL`,
      [now, now, now + inMs, now + inMs, integrationId],
    );
  }

  /** @param acceptMissing teams that are not to be seen were really deleted */
  async requestReconciliation(tx: Transaction, integrationId: string, acceptMissing: boolean): Promise<void> {
    await this.scheduleAllNow(tx, integrationId);
    await setReconciliation(tx, integrationId, Date.now(), acceptMissing);
  }

  /** The account is away: nothing at all is tried for that long. */
  async backOff(lease: Lease, ms: number): Promise<void> {
    const at = Date.now() + ms;
    await this.leases.run(lease, (tx) =>
      end(tx, lease.integrationId, { dueAt: at, notBefore: at, failures: 0 }),
    );
  }

  /**
   * @param progressed whether the run achieved anything before it failed
   * @param delay milliseconds after that many runs in a row that achieved nothing
   */
  async backOffAfterFailure(
    lease: Lease,
    progressed: boolean,
    delay: (failures: number) => number,
  ): Promise<void> {
    await this.leases.run(lease, async (tx) => {
      const [row] = await tx.query<{ failures: number }>(
        'SELECT failures FROM integration_work WHERE integrationId = ?',
        [lease.integrationId],
      );
      const failures = (progressed ? 0 : (row?.failures ?? 0)) + 1;
      const at = Date.now() + delay(failures);
      await end(tx, lease.integrationId, { dueAt: at, notBefore: at, failures });
    });
  }

  /**
   * It is due now, whatever it was waiting for, and once more when the run that may be going on ends. What failed waits as it
   * did, but for groups that are asked for (`noteAskedFor`).
   */
  async scheduleNow(tx: Transaction, integrationId: string): Promise<void> {
    await hurry(tx, integrationId, Date.now(), false);
  }

  /** As `hurry`, and nothing waits that fails until the run that may be going on ends. */
  async scheduleAllNow(tx: Transaction, integrationId: string): Promise<void> {
    await hurry(tx, integrationId, Date.now(), true);
  }

  /** The integration is being deleted: it is worked on now, and never looked at as a whole again. */
  async beginDeletion(tx: Transaction, integrationId: string): Promise<void> {
    await this.scheduleAllNow(tx, integrationId);
    await tx.query('UPDATE integration_work SET reconcileAt = NULL WHERE integrationId = ?', [integrationId]);
  }

  /** The integration is gone, and with it the lease under which it was removed. */
  async forget(tx: Transaction, integrationId: string): Promise<void> {
    await tx.query('DELETE FROM integration_work WHERE integrationId = ?', [integrationId]);
    await tx.query('DELETE FROM lease WHERE integrationId = ?', [integrationId]);
  }

  /** Until when the account is left alone; 0 when it is not. */
  async notBefore(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ notBefore: number | null }[]>(
      'SELECT notBefore FROM integration_work WHERE integrationId = ?',
      [integrationId],
    );
    return Number(row?.notBefore ?? 0);
  }

  /**
   * Integrations that have something to do now, and may do it: however much waits for one that may not, it costs nothing.
   * Whatever is left of one that is gone wakes nobody.
   */
  async due(now: number): Promise<string[]> {
    const rows = await this.reader.query<{ integrationId: string }[]>(
      `SELECT i.id AS integrationId FROM integration i LEFT JOIN integration_work w ON w.integrationId = i.id
       WHERE ${MAY_WRITE} AND (w.dueAt <= ? OR ((w.notBefore IS NULL OR w.notBefore <= ?) AND (
         SELECT 1 FROM group_change c LEFT JOIN remote_group r ON r.integrationId = c.integrationId AND r.groupId = c.groupId
         WHERE c.integrationId = i.id AND ${CHANGE_IS_DUE} LIMIT 1) IS NOT NULL))
       UNION SELECT d.id FROM integration d LEFT JOIN integration_work e ON e.integrationId = d.id
       WHERE d.deletingSince > 0 AND (e.dueAt IS NULL OR e.dueAt <= ?)`,
      [now, now, now, now, now, now],
    );
    return rows.map(({ integrationId }) => integrationId);
  }
}

/** Somebody else may make it at the same time. */
function makeRow(tx: Transaction, integrationId: string): Promise<unknown> {
  return tx.query(
    upsertSql({
      table: 'integration_work',
      columns: ['integrationId', 'failures', 'hurried', 'acceptMissing', 'reconcileFailures'],
      key: ['integrationId'],
      update: [],
      rows: 1,
    }),
    [integrationId, 0, 0, 0, 0],
  );
}

function hurry(tx: Transaction, integrationId: string, dueAt: number, forgets: boolean): Promise<unknown> {
  return tx.query(
    upsertSql({
      table: 'integration_work',
      columns: [
        'integrationId',
        'dueAt',
        'notBefore',
        'failures',
        'hurried',
        'forgets',
        'acceptMissing',
        'reconcileFailures',
      ],
      key: ['integrationId'],
      update: ['dueAt', 'notBefore', 'failures', 'hurried', ...(forgets ? ['forgets'] : [])],
      rows: 1,
    }),
    [integrationId, dueAt, null, 0, 1, forgets ? 1 : 0, 0, 0],
  );
}

/**
 * What a run found out does not count for whoever hurried the integration meanwhile: they get a run of their own, for which
 * nothing of what they asked for waits because it failed in this one.
 */
async function end(
  tx: Transaction,
  integrationId: string,
  { dueAt, notBefore, failures }: { dueAt: number | null; notBefore: number | null; failures: number },
): Promise<void> {
  const work = await workOf(tx, integrationId);
  if (work?.hurried) {
    // A look at the whole target does so at its own end: what is tried before would make it leave out those groups.
    const isToBeLookedAt = work.reconcileAt !== null && work.reconcileAt <= Date.now();
    if (!work.forgets) await forgetFailuresAskedFor(tx, integrationId);
    else if (!isToBeLookedAt) await forgetFailures(tx, integrationId);
    return;
  }
  await tx.query(
    'UPDATE integration_work SET dueAt = ?, notBefore = ?, failures = ? WHERE integrationId = ?',
    [dueAt, notBefore, failures, integrationId],
  );
}

/** What is on record of an integration's work; the row stays as it is until the transaction ends. */
interface RecordedWork {
  hurried: boolean;
  forgets: boolean;
  /** Epoch milliseconds. */
  reconcileAt: number | null;
  acceptMissing: boolean;
  reconcileFailures: number;
  /** Epoch milliseconds. */
  secondLookAskedAt: number | null;
  /** When all of it stood in the target for the first time; epoch milliseconds. */
  firstSyncedAt: number | null;
}

const NEVER_LOOKED_AT: RecordedWork = {
  hurried: false,
  forgets: false,
  reconcileAt: null,
  acceptMissing: false,
  reconcileFailures: 0,
  secondLookAskedAt: null,
  firstSyncedAt: null,
};

async function workOf(tx: Transaction, integrationId: string): Promise<RecordedWork | null> {
  const [row] = await tx.query<{
    hurried: number;
    forgets: number | null;
    reconcileAt: number | null;
    acceptMissing: number;
    reconcileFailures: number;
    secondLookAskedAt: number | null;
    firstSyncedAt: number | null;
  }>(
    `SELECT hurried, forgets, reconcileAt, acceptMissing, reconcileFailures, secondLookAskedAt, firstSyncedAt
     FROM integration_work
     WHERE integrationId = ?${FOR_UPDATE}`,
    [integrationId],
  );
  if (!row) return null;
  return {
    hurried: Boolean(row.hurried),
    forgets: Boolean(row.forgets),
    reconcileAt: row.reconcileAt === null ? null : Number(row.reconcileAt),
    acceptMissing: Boolean(row.acceptMissing),
    reconcileFailures: row.reconcileFailures,
    secondLookAskedAt: row.secondLookAskedAt === null ? null : Number(row.secondLookAskedAt),
    firstSyncedAt: row.firstSyncedAt === null ? null : Number(row.firstSyncedAt),
  };
}

async function setReconciliation(
  tx: Transaction,
  integrationId: string,
  reconcileAt: number,
  acceptMissing: boolean,
): Promise<void> {
  await tx.query(
    upsertSql({
      table: 'integration_work',
      columns: ['integrationId', 'failures', 'hurried', 'reconcileAt', 'acceptMissing', 'reconcileFailures'],
      key: ['integrationId'],
      update: ['reconcileAt', 'acceptMissing'],
      rows: 1,
    }),
    [integrationId, 0, 0, reconcileAt, acceptMissing ? 1 : 0, 0],
  );
}
