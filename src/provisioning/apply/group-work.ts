import { Injectable } from '@nestjs/common';
import { DesiredStateChanges } from '../../directory/desired-state-changes';
import type { CallPriority } from '../../integrations/provider/integration-provider';
import { Alarm } from './alarm';
import { DueGroups } from './due-groups';
import { type Batch, GroupBatches } from './group-batches';
import { type RunContext, atPriority } from './run-context';
import { SideBySide } from './side-by-side';
import { SmallChanges } from './small-changes';
import { UrgentLeavers } from './urgent-leavers';
import { UserResolution } from './user-resolution';

/** The length of one turn of an integration. Then another integration has its turn, whatever is left to do. */
const TIME_SLICE_MS = 10_000;
const GROUPS_PER_BATCH = 50;
/**
 * From this many groups on, the work is a push or a retry of many look-ups, and not a change that a user waits
 * for.
 */
const MANY_GROUPS = 5;
/** Polling finds changes of other processes. Changes of this process are announced. */
const POLL_EVERY_MS = 500;
/** Changes that follow each other faster than this are handled together. */
const LOOK_AGAIN_AFTER_MS = 20;
/** Most groups are done within this time, and need no second worker for small changes. */
const DONE_SOON_MS = 2_000;
/** A group that becomes due again and again must not starve the others. */
const REPEAT_AFTER_MS = 100;
/** A failed removal from a group in progress becomes due without any announcement, so it is polled. */
const RETRY_LEAVERS_EVERY_MS = 1_000;

/** Groups of one kind. A new batch begins while fewer than `width` are under way. */
class Lane {
  underWay = 0;
  private last: { groupIds: ReadonlySet<string>; at: number } = { groupIds: new Set(), at: 0 };

  /** @param manyPriority the priority when many groups are due */
  constructor(
    private readonly priority: CallPriority,
    private readonly manyPriority: CallPriority,
    private readonly width: number,
  ) {}

  priorityOf(due: readonly string[]): CallPriority {
    return due.length >= MANY_GROUPS ? this.manyPriority : this.priority;
  }

  /** The due groups to begin now. */
  next(due: readonly string[]): string[] {
    if (this.underWay >= this.width) return [];
    const groupIds = due.slice(0, GROUPS_PER_BATCH);
    const areTheSame = groupIds.every((groupId) => this.last.groupIds.has(groupId));
    if (areTheSame && performance.now() < this.last.at + REPEAT_AFTER_MS) return [];
    this.last = { groupIds: new Set(groupIds), at: performance.now() };
    return groupIds;
  }
}

/** The state of the work in one run. */
interface RunningWork {
  readonly run: RunContext;
  readonly until: number;
  readonly alarm: Alarm;
  readonly underWay: SideBySide;
  readonly inProgress: Map<string, Batch>;
  /** Groups whose leavers are being removed. */
  readonly leaving: Set<string>;
  /** Groups with a small change in progress, beside their own turn. */
  readonly joining: Set<string>;
  /** When failed removals of leavers are polled again, by the monotonic clock. */
  retryLeaversAt: number;
}

/**
 * Works on the groups of an integration in parallel, by urgency: first leavers, then small changes and small
 * groups, then large work. All calls share the same slots and the same budget, and urgent calls go first. So no
 * group waits until another group is done.
 */
@Injectable()
export class GroupWork {
  constructor(
    private readonly due: DueGroups,
    private readonly batches: GroupBatches,
    private readonly leavers: UrgentLeavers,
    private readonly small: SmallChanges,
    private readonly users: UserResolution,
    private readonly changes: DesiredStateChanges,
  ) {}

  /**
   * @returns whether there may be more to do
   * @throws ProviderError, RunOutdatedError, LeaseLostError, or the reason of a signal that was aborted
   */
  processDue(run: RunContext): Promise<boolean> {
    const { lease } = run;
    // A changed user or name does not wait for groups that are compared as a whole, for example for repairs.
    const inPart = new Lane('interactive', 'interactive', 4);
    const whole = new Lane('interactive', 'push', 4);
    const lookUps = new Lane('interactive', 'push', 4);
    const retries = new Lane('interactive', 'bulk', 2);
    const large = new Lane('bulk', 'bulk', 2);
    // One group may take far longer than a turn. Faster work goes on beside it.
    const slowestFirst = [large, retries, lookUps, whole, inPart];
    const isOverFor = (work: RunningWork, lane: Lane): boolean =>
      isPastDeadline(work) &&
      slowestFirst.slice(0, slowestFirst.indexOf(lane)).every(({ underWay }) => underWay === 0);
    const begin = (work: RunningWork, lane: Lane, due: readonly string[]) =>
      this.begin(work, lane, due, () => isOverFor(work, lane));
    return this.work(run, async (work, limit) => {
      const isOver = isOverFor(work, inPart);
      // At the end of the turn, leavers are still removed beside work that has to end. But a steady flow of
      // leavers must not prolong the run.
      if (!isOver || work.underWay.size > work.leaving.size) await this.startRemovalOfLeavers(work);
      if (isOver) return false;
      const now = Date.now();
      const changed = await this.due.changed(lease, now, limit);
      const waiting = await this.due.waiting(lease.integrationId, now, limit);
      if (changed.isIncomplete) work.alarm.ring();
      const wasDue = [
        begin(work, inPart, changed.inPart),
        begin(work, whole, changed.whole),
        begin(work, lookUps, changed.lookUps),
        begin(work, retries, waiting.small),
        begin(work, large, [...changed.large, ...waiting.large]),
      ];
      await this.startSmallChanges(work, [...changed.whole, ...changed.lookUps, ...changed.large]);
      return wasDue.includes(true);
    });
  }

  /** As `processDue`, for an integration that is being deleted. */
  releaseAll(run: RunContext): Promise<boolean> {
    const groups = new Lane('bulk', 'bulk', 1);
    return this.work(run, async (work, limit) => {
      if (isPastDeadline(work)) return false;
      const due = await this.due.toBeReleased(run.integration.id, Date.now(), limit);
      return this.begin(work, groups, due, () => isPastDeadline(work));
    });
  }

  /** @param look begins at most `limit` due groups of each kind, and returns whether any was due */
  private async work(
    run: RunContext,
    look: (work: RunningWork, limit: number) => Promise<boolean>,
  ): Promise<boolean> {
    const alarm = new Alarm();
    const underWay = new SideBySide(alarm, () => run.halt.halt());
    const until = performance.now() + TIME_SLICE_MS;
    const work: RunningWork = {
      run,
      until,
      alarm,
      underWay,
      inProgress: new Map(),
      leaving: new Set(),
      joining: new Set(),
      retryLeaversAt: 0,
    };
    const unsubscribe = this.changes.subscribe((id) => {
      if (id === run.integration.id) alarm.ring();
    });
    try {
      let isReviewed = false;
      for (let looks = 1; !underWay.hasFailed; looks += 1) {
        run.watch.assertCurrent();
        const isDue = await look(work, GROUPS_PER_BATCH + work.inProgress.size);
        const isIdle = !isDue && underWay.size === 0;
        if (isIdle && isReviewed) break;
        // The review is not urgent: work that users wait for comes first.
        if (!isReviewed && (isIdle || looks > 1)) {
          underWay.add(this.users.reviewDiffering(atPriority(run, 'bulk')));
          isReviewed = true;
        }
        await alarm.wait(POLL_EVERY_MS, LOOK_AGAIN_AFTER_MS);
      }
    } catch (error) {
      underWay.fail(error);
    } finally {
      unsubscribe();
    }
    await underWay.end();
    return isPastDeadline(work);
  }

  private async startRemovalOfLeavers(work: RunningWork): Promise<void> {
    const { run, leaving, inProgress, underWay } = work;
    const triesAgain = performance.now() >= work.retryLeaversAt;
    if (triesAgain) work.retryLeaversAt = performance.now() + RETRY_LEAVERS_EVERY_MS;
    const begun = await this.leavers.begin(
      atPriority(run, 'leaver'),
      leaving,
      [...inProgress.keys()],
      triesAgain,
    );
    for (const removal of begun) underWay.add(removal.then(() => run.rights.assertPermitted()));
  }

  /** @param waiting groups that may wait long for their turn */
  private async startSmallChanges(
    { run, inProgress, joining, underWay }: RunningWork,
    waiting: readonly string[],
  ) {
    const now = performance.now();
    const longRunning = [...inProgress].filter(([, { since }]) => now >= since + DONE_SOON_MS);
    const groupIds = [
      ...longRunning.map(([groupId]) => groupId),
      ...waiting.filter((groupId) => !inProgress.has(groupId)),
    ];
    for (const joins of await this.small.begin(run, joining, groupIds)) underWay.add(joins);
  }

  /** @returns whether anything was due */
  private begin(work: RunningWork, lane: Lane, due: readonly string[], isOver: () => boolean): boolean {
    const { run, inProgress, leaving, underWay } = work;
    const free = [...new Set(due)].filter((groupId) => !inProgress.has(groupId) && !leaving.has(groupId));
    const groupIds = isOver() ? [] : lane.next(free);
    if (groupIds.length > 0) {
      lane.underWay += 1;
      const context = { inProgress, leaving, isOver: () => underWay.hasFailed || isOver() };
      const batch = this.batches
        .apply(atPriority(run, lane.priorityOf(due)), groupIds, context)
        .then(() => run.rights.assertPermitted())
        .finally(() => (lane.underWay -= 1));
      underWay.add(batch);
    }
    return due.length > 0;
  }
}

function isPastDeadline({ until }: RunningWork): boolean {
  return performance.now() >= until;
}
