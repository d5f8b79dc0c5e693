import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { FOR_UPDATE } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { passingFailureDelay } from '../plan/backoff';
import { READS_LAG_MS } from '../plan/just-created';
import { CHANGE_IS_DUE } from '../state/due-changes';
import { MAY_WRITE } from '../state/may-write';
import { forgetFailures, forgetFailuresAskedFor } from '../state/waiting-groups';
import { noteFirstSync } from '../state/first-sync';
import { IntegrationWork } from './integration-work.entity';
import { type Lease, Leases } from './lease';

/** The length of the column. */
const PROBLEM_LENGTH = 1000;

/** The result of a look at the whole target. */
export interface ReconciliationEnd {
  startedAt: number;
  /** Whether it used an admin's confirmation that missing remote groups were deleted. */
  acceptedMissing: boolean;
  /** Why the look was not complete; null if it was. */
  problem: { reason: string; message: string } | null;
  /** Whether the problem may pass in a moment. */
  passes: boolean;
  /** Whether the look showed for every recorded remote group if it exists. */
  teamsTold: boolean;
  /** Whether it skipped a remote group that may differ from the record. */
  leftOut: boolean;
}

/** What a run reads at its start. */
export interface RunBeginning {
  /** A request has hurried the integration since the last run began: the connection forgets earlier failures. */
  isUrgent: boolean;
  /** The request retries everything that failed. */
  forgets: boolean;
  /** Whether a look at the whole target is due, and whether missing remote groups count as deleted. */
  reconciliation: { due: boolean; acceptMissing: boolean };
}

/**
 * The delay of a second look after one that skipped remote groups: by then reads show the writes of that time, and
 * no failure of that time is due for a retry (`leaverDelay`).
 */
const SECOND_LOOK_AFTER_MS = READS_LAG_MS + 2 * 60_000;

/** After this time the lease of a run that was cut off has expired. */
const CONTINUED_AFTER_MS = 30_000;

/** When each integration is due next, apart from new changes. */
@Injectable()
export class WorkLedger {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /**
   * Starts a run, and makes the next run due soon in case this one is cut off. A run that takes longer than that
   * causes one unnecessary look.
   *
   * @param reconcileEveryMs null if the whole target is never looked at again; for a new integration the first
   * look is due one interval after its first run
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
      // The interval may be shorter now.
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

  /** Whether a request has hurried the integration since the last run began. */
  async isUrgent(tx: Transaction, integrationId: string): Promise<boolean> {
    return (await workOf(tx, integrationId))?.hurried ?? false;
  }

  /** Ends a run: no attempt before `dueAt` except for new changes and the next reconciliation. */
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
   * The next look is due after an interval. It is due soon if this one failed for a passing reason or if another
   * one was requested meanwhile, and after a few minutes if this one skipped remote groups. That second look
   * happens only once per interval: in an integration with constant writes every look skips some.
   *
   * @returns when the next look is due, in epoch milliseconds
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
      // The confirmation covers one look at the remote groups, and no group that goes missing later.
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
   * Brings the next look at the whole target forward, because only it can explain what the engine has met. A look
   * in progress may already have read past that point, so another one follows it.
   *
   * @param inMs lets a run that starts now retry first what waits; an earlier look stays earlier, however many
   * requests come
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

  /** @param acceptMissing remote groups that are not visible were really deleted */
  async requestReconciliation(tx: Transaction, integrationId: string, acceptMissing: boolean): Promise<void> {
    await this.scheduleAllNow(tx, integrationId);
    await setReconciliation(tx, integrationId, Date.now(), acceptMissing);
  }

  /** The account is unresponsive: no attempt for that time. */
  async backOff(lease: Lease, ms: number): Promise<void> {
    const at = Date.now() + ms;
    await this.leases.run(lease, (tx) =>
      end(tx, lease.integrationId, { dueAt: at, notBefore: at, failures: 0 }),
    );
  }

  /**
   * @param progressed whether the run achieved anything before it failed
   * @param delay milliseconds after that many runs in a row without progress
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
   * Makes the integration due now, whatever it waited for, and once more after a run in progress. Failed items
   * keep their due times, except in groups that were requested (`noteAskedFor`).
   */
  async scheduleNow(tx: Transaction, integrationId: string): Promise<void> {
    await hurry(tx, integrationId, Date.now(), false);
  }

  /** As `hurry`; also makes everything due that fails until the end of a run in progress. */
  async scheduleAllNow(tx: Transaction, integrationId: string): Promise<void> {
    await hurry(tx, integrationId, Date.now(), true);
  }

  /** The integration is being deleted: it is due now, and the whole target is never looked at again. */
  async beginDeletion(tx: Transaction, integrationId: string): Promise<void> {
    await this.scheduleAllNow(tx, integrationId);
    await tx.query('UPDATE integration_work SET reconcileAt = NULL WHERE integrationId = ?', [integrationId]);
  }

  /** Deletes the rows of a deleted integration, also the lease of the run that deleted it. */
  async forget(tx: Transaction, integrationId: string): Promise<void> {
    await tx.query('DELETE FROM integration_work WHERE integrationId = ?', [integrationId]);
    await tx.query('DELETE FROM lease WHERE integrationId = ?', [integrationId]);
  }

  /** Until when the engine makes no attempt on the account; 0 if it may. */
  async notBefore(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ notBefore: number | null }[]>(
      'SELECT notBefore FROM integration_work WHERE integrationId = ?',
      [integrationId],
    );
    return Number(row?.notBefore ?? 0);
  }

  /**
   * Integrations that have work now and may do it. Work of an integration that may not costs nothing, and leftover
   * rows of a deleted integration start no run.
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

/** Nothing is due yet. */
const NEW_ROW = { failures: 0, hurried: false, acceptMissing: false, reconcileFailures: 0 };

/** Another process may insert the row at the same time. */
function makeRow(tx: Transaction, integrationId: string): Promise<void> {
  return upsert(tx, IntegrationWork, [{ ...NEW_ROW, integrationId }], { update: [] });
}

function hurry(tx: Transaction, integrationId: string, dueAt: number, forgets: boolean): Promise<void> {
  const row = { ...NEW_ROW, integrationId, dueAt, notBefore: null, hurried: true, forgets };
  return upsert(tx, IntegrationWork, [row], {
    update: ['dueAt', 'notBefore', 'failures', 'hurried', ...(forgets ? ['forgets' as const] : [])],
  });
}

/**
 * If a request hurried the integration during the run, the results of the run do not apply to it: it gets a run of
 * its own, and nothing that it requested waits because of a failure in this run.
 */
async function end(
  tx: Transaction,
  integrationId: string,
  { dueAt, notBefore, failures }: { dueAt: number | null; notBefore: number | null; failures: number },
): Promise<void> {
  const work = await workOf(tx, integrationId);
  if (work?.hurried) {
    // A look at the whole target does this at its own end: attempts before the look would make it skip those
    // groups.
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

/** The recorded work of an integration; the row is locked until the transaction ends. */
interface RecordedWork {
  hurried: boolean;
  forgets: boolean;
  /** Epoch milliseconds. */
  reconcileAt: number | null;
  acceptMissing: boolean;
  reconcileFailures: number;
  /** Epoch milliseconds. */
  secondLookAskedAt: number | null;
  /** When the target matched the IdP completely for the first time; epoch milliseconds. */
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
  await upsert(tx, IntegrationWork, [{ ...NEW_ROW, integrationId, reconcileAt, acceptMissing }], {
    update: ['reconcileAt', 'acceptMissing'],
  });
}
