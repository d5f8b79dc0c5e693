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

/** One turn of an integration: after that another one has its turn, however much is left to do. */
const TIME_SLICE_MS = 10_000;
const GROUPS_PER_BATCH = 50;
/** So many groups are no change that somebody waits for, but a push, or a look at all who were not found. */
const MANY_GROUPS = 5;
/** What another process writes is found so soon; what this one writes is told. */
const LOOK_EVERY_MS = 500;
/** However fast changes come, what comes so soon after another is looked at with the next. */
const LOOK_AGAIN_AFTER_MS = 20;
/** What is begun is nearly always done so soon, and needs nobody beside it. */
const DONE_SOON_MS = 2_000;
/** Whatever makes a group due again and again must not starve everybody else. */
const SAME_AGAIN_AFTER_MS = 100;
/** Whoever could not be taken out of a team in hand is due at some time of its own, of which nobody tells. */
const LEAVERS_AGAIN_AFTER_MS = 1_000;

/** Groups of one kind. A batch of them is begun while fewer than so many are under way. */
class Lane {
  underWay = 0;
  private last: { groupIds: ReadonlySet<string>; at: number } = { groupIds: new Set(), at: 0 };

  /** @param ofMany the priority where there are many groups to do */
  constructor(
    private readonly priority: CallPriority,
    private readonly ofMany: CallPriority,
    private readonly width: number,
  ) {}

  priorityOf(due: readonly string[]): CallPriority {
    return due.length >= MANY_GROUPS ? this.ofMany : this.priority;
  }

  /** Those of the due groups that are begun now. */
  next(due: readonly string[]): string[] {
    if (this.underWay >= this.width) return [];
    const groupIds = due.slice(0, GROUPS_PER_BATCH);
    const areTheSame = groupIds.every((groupId) => this.last.groupIds.has(groupId));
    if (areTheSame && performance.now() < this.last.at + SAME_AGAIN_AFTER_MS) return [];
    this.last = { groupIds: new Set(groupIds), at: performance.now() };
    return groupIds;
  }
}

/** What goes on in one run. */
interface RunningWork {
  readonly run: RunContext;
  readonly until: number;
  readonly alarm: Alarm;
  readonly underWay: SideBySide;
  readonly inProgress: Map<string, Batch>;
  /** Groups whose leavers are being taken out. */
  readonly leaving: Set<string>;
  /** Groups that few people are being added to, whatever else is done for them. */
  readonly joining: Set<string>;
  /** When those who could not be taken out are looked for again, by the monotonic clock. */
  leaversAgainAt: number;
}

/**
 * Does what there is to do for the groups of an integration, side by side and by urgency: people who left the IdP leave,
 * then small changes and small groups, then what is large. All calls wait for the same slots and the same budget, where the
 * urgent ones go first: nobody waits for somebody else's group to be done.
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
  workOff(run: RunContext): Promise<boolean> {
    const { lease } = run;
    // A person or name that changed does not wait for groups that are compared as a whole, such as those to be repaired.
    const inPart = new Lane('interactive', 'interactive', 4);
    const whole = new Lane('interactive', 'push', 4);
    const lookUps = new Lane('interactive', 'push', 4);
    const again = new Lane('interactive', 'bulk', 2);
    const large = new Lane('bulk', 'bulk', 2);
    // What one group takes may be far longer than a turn: whatever is done sooner goes on beside it.
    const slowestFirst = [large, again, lookUps, whole, inPart];
    const isOverFor = (work: RunningWork, lane: Lane): boolean =>
      isPastDeadline(work) &&
      slowestFirst.slice(0, slowestFirst.indexOf(lane)).every(({ underWay }) => underWay === 0);
    const begin = (work: RunningWork, lane: Lane, due: readonly string[]) =>
      this.begin(work, lane, due, () => isOverFor(work, lane));
    return this.work(run, async (work, limit) => {
      const isOver = isOverFor(work, inPart);
      // Nobody waits for what still has to end; but leavers that keep coming do not prolong a run.
      if (!isOver || work.underWay.size > work.leaving.size) await this.startRemovalOfLeavers(work);
      if (isOver) return false;
      const now = Date.now();
      const changed = await this.due.changed(lease, now, limit);
      const waiting = await this.due.waiting(lease.integrationId, now, limit);
      if (changed.isIncomplete) work.alarm.ring();
      const some = [
        begin(work, inPart, changed.inPart),
        begin(work, whole, changed.whole),
        begin(work, lookUps, changed.lookUps),
        begin(work, again, waiting.small),
        begin(work, large, [...changed.large, ...waiting.large]),
      ];
      await this.startSmallChanges(work, [...changed.whole, ...changed.lookUps, ...changed.large]);
      return some.includes(true);
    });
  }

  /** As `workOff`, for an integration that is being deleted. */
  releaseAll(run: RunContext): Promise<boolean> {
    const groups = new Lane('bulk', 'bulk', 1);
    return this.work(run, async (work, limit) => {
      if (isPastDeadline(work)) return false;
      const due = await this.due.toBeReleased(run.integration.id, Date.now(), limit);
      return this.begin(work, groups, due, () => isPastDeadline(work));
    });
  }

  /** @param look begins what is due, of which it may ask for so much, and says whether there was anything */
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
      leaversAgainAt: 0,
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
        // Nobody waits for the review, so it does not come before what somebody waits for.
        if (!isReviewed && (isIdle || looks > 1)) {
          underWay.add(this.users.reviewDiffering(atPriority(run, 'bulk')));
          isReviewed = true;
        }
        await alarm.wait(LOOK_EVERY_MS, LOOK_AGAIN_AFTER_MS);
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
    const triesAgain = performance.now() >= work.leaversAgainAt;
    if (triesAgain) work.leaversAgainAt = performance.now() + LEAVERS_AGAIN_AFTER_MS;
    const begun = await this.leavers.begin(
      atPriority(run, 'leaver'),
      leaving,
      [...inProgress.keys()],
      triesAgain,
    );
    for (const removal of begun) underWay.add(removal.then(() => run.rights.assertPermitted()));
  }

  /** @param waiting groups that may be long in coming to their turn */
  private async startSmallChanges(
    { run, inProgress, joining, underWay }: RunningWork,
    waiting: readonly string[],
  ) {
    const now = performance.now();
    const longInHand = [...inProgress].filter(([, { since }]) => now >= since + DONE_SOON_MS);
    const groupIds = [
      ...longInHand.map(([groupId]) => groupId),
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
      const turn = { inProgress, leaving, isOver: () => underWay.hasFailed || isOver() };
      const batch = this.batches
        .apply(atPriority(run, lane.priorityOf(due)), groupIds, turn)
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
