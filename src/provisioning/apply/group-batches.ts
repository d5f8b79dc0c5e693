import { Injectable } from '@nestjs/common';
import type { ProviderGroup as FoundGroup } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { reachOf } from '../plan/reach';
import { isBeingDeleted } from '../state/may-write';
import { allEnded } from './all-ended';
import { GroupApplier } from './group-applier';
import {
  type LoadedGroup,
  GroupLoader,
  nameWithoutRemoteGroup,
  namesWithoutRemoteGroup,
} from './loaded-group';
import { People, addAsked } from './people';
import type { RunContext } from './run-context';
import { RemoteGroups, comparedWhole } from './remote-groups';
import { type AskedFor, UserResolution } from './user-resolution';

/** This many passing failures of groups in a row concern the account, not the groups. */
const FAILURES_THAT_STOP = 3;
/** A read group is fresh enough to begin with for this time. Its marks tell what has changed since. */
const FRESH_MS = 100;

/** What the parallel batches of a run share. */
export interface BatchContext {
  /** Whether no further group may begin. */
  isOver(): boolean;
  /** Groups in progress, by batch. Two batches never process the same group. */
  readonly inProgress: Map<string, Batch>;
  /** Groups whose leavers are being removed. */
  readonly leaving: ReadonlySet<string>;
}

/** Groups that several workers process, one group per worker at a time. */
export interface Batch {
  /** When the batch began, by the monotonic clock in milliseconds. */
  readonly since: number;
  readonly context: BatchContext;
  found: ReadonlyMap<string, FoundGroup> | undefined;
  /** A failure has stopped the batch: no further group begins. */
  stopped: boolean;
  failuresInARow: number;
  /** Groups whose look-ups had a passing failure. */
  readonly postponed: Set<string>;
  /** Whether at least one group was applied. */
  progressed: boolean;
}

/** Groups of a batch, by the look-ups that they need first. */
interface Stages {
  ready: LoadedGroup[];
  /** Only need a look-up of their name. */
  nameless: LoadedGroup[];
  /** Need a look-up of some users. */
  unknown: LoadedGroup[];
  /** Users of all groups of the batch. */
  people: AskedFor;
}

/** Applies groups in batches, with shared look-ups of users and names. */
@Injectable()
export class GroupBatches {
  constructor(
    private readonly loader: GroupLoader,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly remoteGroups: RemoteGroups,
    private readonly groups: GroupApplier,
  ) {}

  /** @throws ProviderError that concerns the account, and any other error that stops the run */
  async apply(run: RunContext, groupIds: readonly string[], context: BatchContext): Promise<void> {
    const taken = groupIds.filter((groupId) => !context.inProgress.has(groupId));
    const batch: Batch = {
      since: performance.now(),
      context,
      found: undefined,
      stopped: false,
      failuresInARow: 0,
      postponed: new Set(),
      progressed: false,
    };
    for (const groupId of taken) context.inProgress.set(groupId, batch);
    const isInProgressElsewhere = (groupId: string) =>
      context.leaving.has(groupId) || (context.inProgress.get(groupId) ?? batch) !== batch;
    try {
      const views: LoadedGroup[] = [];
      for (const groupId of taken) {
        const view = await this.read(run, groupId);
        views.push(await this.remoteGroups.takeOver(run, view, isInProgressElsewhere));
      }
      const failure = await this.applyInStages(run, batch, await this.sorted(views));
      if (failure && !batch.progressed && isOfAccount(failure, batch)) throw failure;
    } finally {
      for (const groupId of taken) removeFromBatch(groupId, batch);
    }
  }

  /**
   * No group waits for look-ups that it does not need.
   *
   * @returns the last passing failure of a look-up
   */
  private async applyInStages(run: RunContext, batch: Batch, stages: Stages): Promise<ProviderError | null> {
    const { ready, nameless, unknown } = stages;
    const names = this.lookUpNames(run, batch, [...nameless, ...unknown]);
    const people = this.lookUpPeople(run, batch, stages);
    const lookUps = allEnded([names, people]);
    await allEnded([
      this.processAll(run, batch, ready),
      names.then(() => this.processAll(run, batch, nameless)),
      lookUps.then(() => this.processAll(run, batch, unknown)),
    ]);
    const [noNames, noPeople] = await lookUps;
    return noNames ?? noPeople ?? null;
  }

  private async processAll(run: RunContext, batch: Batch, views: readonly LoadedGroup[]): Promise<void> {
    const queue = views.filter(({ groupId }) => !batch.postponed.has(groupId));
    const width = Math.min(queue.length, run.provider.limits.parallelCalls);
    await allEnded(Array.from({ length: width }, () => this.processQueue(run, batch, queue)));
  }

  /** @throws any error that stops the batch, and with it the other workers */
  private async processQueue(run: RunContext, batch: Batch, queue: LoadedGroup[]): Promise<void> {
    while (!batch.stopped && !batch.context.isOver()) {
      run.rights.assertPermitted();
      const seen = queue.shift();
      if (!seen) return;
      try {
        // Minutes may have passed since: the group may be deleted or have another name.
        const view = isFresh(seen) ? seen : await this.read(run, seen.groupId);
        const found = nameWithoutRemoteGroup(view) === nameWithoutRemoteGroup(seen) ? batch.found : undefined;
        await this.groups.apply(run, seen.change?.whole ? comparedWhole(view) : view, found);
        batch.failuresInARow = 0;
        batch.progressed = true;
        run.progress.made = true;
      } catch (error) {
        const reach = reachOf(error);
        if (reach === 'group') continue;
        batch.failuresInARow += 1;
        if (reach === 'call' && batch.failuresInARow < FAILURES_THAT_STOP) continue;
        batch.stopped = true;
        throw error;
      } finally {
        removeFromBatch(seen.groupId, batch);
      }
    }
  }

  private async read({ integration, provider }: RunContext, groupId: string): Promise<LoadedGroup> {
    const view = await this.loader.read(integration.id, groupId, provider);
    return isBeingDeleted(integration) ? { ...view, group: null } : view;
  }

  private async sorted(views: readonly LoadedGroup[]): Promise<Stages> {
    const concerned = new Map<LoadedGroup, AskedFor>();
    const asked = new Map<string, number | null>();
    for (const view of views) {
      const needed = await this.people.usersNeededBy([view]);
      concerned.set(view, needed);
      for (const [userId, since] of needed) addAsked(asked, userId, since);
    }
    const due = new Set((await this.users.due(asked)).map(({ userId }) => userId));
    const isUnknown = (view: LoadedGroup) =>
      [...concerned.get(view)!.keys()].some((userId) => due.has(userId));
    const known = views.filter((view) => !isUnknown(view));
    return {
      ready: known.filter((view) => nameWithoutRemoteGroup(view) === null),
      nameless: known.filter((view) => nameWithoutRemoteGroup(view) !== null),
      unknown: views.filter(isUnknown),
      people: asked,
    };
  }

  /**
   * Looks up the users of the groups in the fewest calls; each group looks up the remaining users itself. For many
   * groups, the batches of a run take turns: what one reads of the whole account also answers for the users of the
   * others.
   */
  private lookUpPeople(run: RunContext, batch: Batch, { unknown, people }: Stages) {
    return this.orPostpone(run, batch, unknown, async () => {
      if (run.call.priority === 'interactive') await this.users.beginToResolve(run, people);
      else await this.users.resolveSomeInTurn(run, people);
    });
  }

  private lookUpNames(run: RunContext, batch: Batch, views: readonly LoadedGroup[]) {
    const unnamed = views.filter((view) => nameWithoutRemoteGroup(view) !== null);
    return this.orPostpone(run, batch, unnamed, async () => {
      batch.found = await run.connection.findGroups(namesWithoutRemoteGroup(unnamed), run.call);
    });
  }

  /**
   * Runs a look-up. After a passing failure, the groups that need it are postponed, so that they do not delay
   * others, which may only have a leaver to remove.
   *
   * @returns the passing failure for which groups of the batch are postponed
   */
  private async orPostpone(
    run: RunContext,
    batch: Batch,
    views: readonly LoadedGroup[],
    ask: () => Promise<void>,
  ): Promise<ProviderError | null> {
    try {
      if (views.length > 0) await ask();
      return null;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      // A name that the target refuses to look up must not stop other groups: each group looks up its own name.
      if (error.isOfOneObject) return null;
      const waiting = views.filter(({ groupId }) => !batch.postponed.has(groupId));
      for (const { groupId } of waiting) batch.postponed.add(groupId);
      await this.groups.postpone(run, waiting, error);
      if (error.accountWide) throw error;
      return error;
    }
  }
}

function isFresh({ readAt }: LoadedGroup): boolean {
  return performance.now() < readAt + FRESH_MS;
}

/**
 * No answer at all, or a failure for many groups, concerns the account. The caller checks that no other group of
 * the batch has succeeded.
 */
function isOfAccount({ status }: ProviderError, { postponed }: Batch): boolean {
  return status === null || postponed.size >= FAILURES_THAT_STOP;
}

/** Another batch may have begun the group by now. */
function removeFromBatch(groupId: string, batch: Batch): void {
  const { inProgress } = batch.context;
  if (inProgress.get(groupId) === batch) inProgress.delete(groupId);
}
