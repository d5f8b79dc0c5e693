import { Injectable } from '@nestjs/common';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { isBeingDeleted } from '../state/may-write';
import { allEnded } from './all-ended';
import { GroupApplier } from './group-applier';
import { type GroupView, GroupViews, nameWithoutTeam, namesWithoutTeam } from './group-view';
import { isOfOneUnseenTeam } from './not-visible-yet';
import { People } from './people';
import type { RunContext } from './run-context';
import { Teams, comparedWhole } from './teams';
import { UserResolution } from './user-resolution';

/** So many groups in a row that fail for a passing reason speak of the account, not of the groups. */
const FAILURES_THAT_STOP = 3;
/** So long what was read of a group is good enough to begin with: its marks tell what came since. */
const FRESH_MS = 100;

/** What the batches of a run share, which are worked off side by side. */
export interface Turn {
  /** Whether no further group is begun. */
  isOver(): boolean;
  /** Groups that one of the batches is at: there are never two that bring one group to where it belongs. */
  readonly inHand: Map<string, Batch>;
  /** Groups that leavers are being taken out of. */
  readonly leaving: ReadonlySet<string>;
}

/** Groups that several workers work off, one group each at a time. */
export interface Batch {
  views: GroupView[];
  found: ReadonlyMap<string, FoundTeam> | undefined;
  turn: Turn;
  failuresInARow: number;
  /** Groups whose look-ups failed in passing. */
  putOff: number;
  /** Whether any of the groups was brought to where it belongs. */
  progressed: boolean;
}

/** Brings groups to where they belong whose people and names are looked up together. */
@Injectable()
export class GroupBatches {
  constructor(
    private readonly views: GroupViews,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly teams: Teams,
    private readonly groups: GroupApplier,
  ) {}

  /**
   * @throws ProviderError that concerns the account, and whatever else makes it pointless to go on
   */
  async apply(run: RunContext, groupIds: readonly string[], turn: Turn): Promise<void> {
    const taken = groupIds.filter((groupId) => !turn.inHand.has(groupId));
    const batch: Batch = {
      views: [],
      found: undefined,
      turn,
      failuresInARow: 0,
      putOff: 0,
      progressed: false,
    };
    for (const groupId of taken) turn.inHand.set(groupId, batch);
    const isAnothers = (groupId: string) =>
      turn.leaving.has(groupId) || (turn.inHand.get(groupId) ?? batch) !== batch;
    try {
      for (const groupId of taken) {
        const view = await this.read(run, groupId);
        batch.views.push(await this.teams.takeOver(run, view, isAnothers));
      }
      const failure = await this.lookUp(run, batch);
      const workers = Array.from({ length: run.provider.limits.parallelCalls }, () =>
        this.workOff(run, batch),
      );
      await allEnded(workers);
      if (failure && !batch.progressed && isOfAccount(failure, batch)) throw failure;
    } finally {
      for (const groupId of taken) letGoOf(groupId, batch);
    }
  }

  /** @throws whatever makes it pointless to go on with the batch, which ends the other workers too */
  private async workOff(run: RunContext, batch: Batch): Promise<void> {
    while (!batch.turn.isOver()) {
      run.rights.assertPermitted();
      const seen = batch.views.shift();
      if (!seen) return;
      try {
        // Until its turn came, minutes may have passed: it may be deleted, or have another name.
        const view = isFresh(seen) ? seen : await this.read(run, seen.groupId);
        const found = nameWithoutTeam(view) === nameWithoutTeam(seen) ? batch.found : undefined;
        await this.groups.apply(run, seen.change?.whole ? comparedWhole(view) : view, found);
        batch.failuresInARow = 0;
        batch.progressed = true;
        run.progress.made = true;
      } catch (error) {
        if (isOfOneUnseenTeam(error)) continue;
        batch.failuresInARow += 1;
        const goesOn =
          error instanceof ProviderError && !error.accountWide && batch.failuresInARow < FAILURES_THAT_STOP;
        if (goesOn) continue;
        batch.views.length = 0;
        throw error;
      } finally {
        letGoOf(seen.groupId, batch);
      }
    }
  }

  private async read({ integration, provider }: RunContext, groupId: string): Promise<GroupView> {
    const view = await this.views.read(integration.id, groupId, provider);
    return isBeingDeleted(integration) ? { ...view, group: null } : view;
  }

  /**
   * Whom and what the groups of a batch need, in the fewest calls. Where it fails in passing, those groups wait that need
   * it, and stay out of the way of others, who may only have somebody who leaves.
   *
   * @returns the last passing failure
   */
  private async lookUp(run: RunContext, batch: Batch): Promise<ProviderError | null> {
    // Whom this leaves out each group looks up for itself.
    const noPeople = await this.orPutOff(
      run,
      batch,
      async () => this.users.beginToResolve(run, await this.people.concernedBy(batch.views)),
      async (view) => (await this.users.due(await this.people.concernedBy([view]))).length > 0,
    );
    const noTeams = await this.orPutOff(
      run,
      batch,
      async () => {
        batch.found = await this.findTeams(run, batch.views);
      },
      (view) => nameWithoutTeam(view) !== null,
    );
    return noTeams ?? noPeople;
  }

  /** @returns the passing failure of the look-up, for which these groups of the batch are put off */
  private async orPutOff(
    run: RunContext,
    batch: Batch,
    ask: () => Promise<void>,
    needsIt: (view: GroupView) => Promise<boolean> | boolean,
  ): Promise<ProviderError | null> {
    try {
      await ask();
      return null;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      // One name that the target refuses to look up stops nobody else: each group has to ask for itself.
      if (error.isOfOneObject) return null;
      const waiting: GroupView[] = [];
      for (const view of batch.views) if (error.accountWide || (await needsIt(view))) waiting.push(view);
      batch.views = batch.views.filter((view) => !waiting.includes(view));
      batch.putOff += waiting.length;
      await this.groups.putOff(run, waiting, error);
      if (error.accountWide) throw error;
      return error;
    }
  }

  /** Teams of the names of all groups that have none yet, in one look-up. */
  private async findTeams(
    run: RunContext,
    views: readonly GroupView[],
  ): Promise<ReadonlyMap<string, FoundTeam> | undefined> {
    const names = namesWithoutTeam(views);
    return names.length > 0 ? run.connection.findGroups(names, run.call) : undefined;
  }
}

function isFresh({ readAt }: GroupView): boolean {
  return performance.now() < readAt + FRESH_MS;
}

/** No answer at all, or one that many groups need, speaks of the account; nothing else of the batch has worked. */
function isOfAccount({ status }: ProviderError, { putOff }: Batch): boolean {
  return status === null || putOff >= FAILURES_THAT_STOP;
}

/** Another batch may be at the group by now. */
function letGoOf(groupId: string, batch: Batch): void {
  const { inHand } = batch.turn;
  if (inHand.get(groupId) === batch) inHand.delete(groupId);
}
