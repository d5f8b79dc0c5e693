import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Integration } from '../../integrations/integration.entity';
import { Connections } from '../../integrations/connections/connections.service';
import { Integrations } from '../../integrations/integrations.service';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { ACCOUNT_MISMATCH, VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { PROBE_EVERY_MS, passingFailureDelay } from '../plan/backoff';
import { isDeniedEverywhere } from '../plan/denials';
import { Reconciler } from '../reconcile/reconciler';
import { type Lease, LeaseLostError, Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { forgetFailures, makeGroupsDue } from '../state/waiting-groups';
import { AccountCheck } from './account-check';
import { GroupApplier } from './group-applier';
import { type GroupView, GroupViews, nameWithoutTeam, namesWithoutTeam } from './group-view';
import { IntegrationRemoval } from './integration-removal';
import { isOfOneUnseenTeam } from './not-visible-yet';
import { People } from './people';
import type { RunContext, RunResult } from './run-context';
import { RunOutdatedError, type RunWatch, RunWatches } from './run-watch';
import { Teams, comparedWhole } from './teams';
import { UserResolution } from './user-resolution';
import { watchWrites } from './watched-writes';

/** One turn of an integration: after that another one has its turn, however much is left to do. */
const TIME_SLICE_MS = 10_000;
const GROUPS_PER_BATCH = 50;
/** So many groups in a row that fail for a passing reason speak of the account, not of the groups. */
const FAILURES_THAT_STOP = 3;
const LOOK_FOR_CHANGES_EVERY_MS = 250;
const LOOK_AGAIN_AFTER_MS = 100;

/** What the lanes of a run share, which work side by side. */
interface Turn {
  /** Whether no further group is begun. */
  isOver(): boolean;
  /** Groups that one of the lanes is at, with the batch that they are in: there are never two writers to one team. */
  readonly inHand: Map<string, Batch>;
}

/** Groups that several workers work off, one group each at a time. */
interface Batch {
  views: GroupView[];
  found: ReadonlyMap<string, FoundTeam> | undefined;
  turn: Turn;
  failuresInARow: number;
  /** Groups whose look-ups failed in passing. */
  putOff: number;
  /** Whether any of the groups was brought to where it belongs. */
  progressed: boolean;
}

/**
 * One run on one integration: looks at every group that has something to do, oldest change first, and brings its team
 * to where the IdP wants it.
 *
 * A run is asked for by the integration's id alone. It may be asked for at any time, twice, or for nothing: what there
 * is to do stands in the database, and a run that is cut off is continued by the next.
 */
@Injectable()
export class IntegrationRun {
  private readonly logger = new Logger(IntegrationRun.name);

  constructor(
    private readonly integrations: Integrations,
    private readonly connections: Connections,
    private readonly leases: Leases,
    private readonly watches: RunWatches,
    private readonly views: GroupViews,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly teams: Teams,
    private readonly groups: GroupApplier,
    private readonly reconciler: Reconciler,
    private readonly ledger: WorkLedger,
    private readonly account: AccountCheck,
    private readonly removal: IntegrationRemoval,
  ) {}

  /** @param stop aborts between two calls when the process is to end */
  async run(integrationId: string, stop: AbortSignal): Promise<RunResult> {
    const integration = await this.integrations.find(integrationId);
    if (!integration || !(mayWrite(integration) || isBeingDeleted(integration))) return { more: false };
    const begun = { isHurried: false };
    const lease = await this.leases.acquire(integrationId, async (tx) => {
      begun.isHurried = await this.ledger.begin(tx, integrationId);
    });
    if (!lease) return { more: false };
    if (begun.isHurried) this.connections.forgetFailures(integrationId);
    try {
      if (await this.removal.isDue(integration)) return await this.removal.remove(integration, lease, stop);
      if (!mayWrite(integration)) {
        await this.ledger.settle(lease, Date.now() + PROBE_EVERY_MS);
        return { more: false };
      }
      const watch = await this.watches.begin(integration);
      try {
        return await this.runWith(integration, lease, watch, begun, stop);
      } finally {
        watch.end();
      }
    } catch (error) {
      if (error instanceof RunOutdatedError) return { more: !stop.aborted };
      if (error instanceof LeaseLostError || (stop.aborted && error === stop.reason)) return { more: false };
      this.logger.error(`Run on integration ${integrationId} failed`, error);
      await this.ledger.backOff(lease, passingFailureDelay(4, undefined, Math.random()));
      return { more: false };
    } finally {
      await this.leases.release(lease);
    }
  }

  private async runWith(
    integration: Integration,
    lease: Lease,
    watch: RunWatch,
    { isHurried }: Pick<RunContext, 'isHurried'>,
    stop: AbortSignal,
  ): Promise<RunResult> {
    const signal = AbortSignal.any([lease.signal, watch.signal, stop]);
    setMaxListeners(0, signal);
    const { provider, connection } = this.connections.open(integration);
    const permissions = { denied: null, granted: false };
    const assertMaySend = (): void => {
      lease.assertMaySend();
      watch.assertCurrent();
    };
    const call = { signal, priority: 'interactive' as const, assertMaySend };
    const run: RunContext = {
      integration,
      accountIdentity: '',
      provider,
      connection: watchWrites(connection, permissions),
      lease,
      watch,
      call,
      progressed: false,
      isHurried,
      permissions,
    };
    try {
      const identity = await this.account.identify(run);
      if (identity === null) return { more: false };
      run.accountIdentity = identity;
      if (isBlind(integration)) return await this.lookAgain(run);
      const more = isBeingDeleted(integration) ? await this.work(run) : await this.workWhileReconciling(run);
      await this.recovered(run);
      await this.ledger.settle(lease, await this.nextDue(integration.id));
      return { more: more || (await this.removal.isDue(integration)) };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return this.stopFor(run, error);
    }
  }

  /** When the next thing of the integration comes due by itself. */
  private async nextDue(integrationId: string): Promise<number | null> {
    const due = [await this.views.nextDue(integrationId), await this.users.nextReview(integrationId)];
    const times = due.filter((at) => at !== null);
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Changes that come while the target is being looked at as a whole do not wait for the end of it. */
  private async workWhileReconciling(run: RunContext): Promise<boolean> {
    const { due, acceptMissing } = await this.ledger.reconciliationDue(
      run.lease,
      reconciliationInterval(run),
    );
    if (!due) return this.work(run);
    const stop = new AbortController();
    const call = { ...run.call, signal: AbortSignal.any([run.call.signal, stop.signal]) };
    const reconciliation = this.reconcile({ ...run, call }, acceptMissing).then(({ result }) => {
      if (result.kind === 'complete') run.progressed = true;
    });
    return workBeside(
      reconciliation,
      () => this.work(run),
      () => stop.abort(new Error('The run ends.')),
    );
  }

  private async reconcile(run: RunContext, acceptMissing: boolean) {
    const startedAt = Date.now();
    const result = await this.reconciler.reconcile(run, acceptMissing);
    // Not before the look is over, which leaves alone any team that is being written to.
    if (run.isHurried) await this.leases.run(run.lease, (tx) => forgetFailures(tx, run.integration.id));
    const nextAt = await this.ledger.reconciled(run.lease, reconciliationInterval(run), {
      startedAt,
      acceptedMissing: acceptMissing,
      problem: result.kind === 'complete' ? null : result.problem,
      passes: result.kind === 'incomplete' && result.passes,
      teamsTold: result.kind !== 'incomplete' || result.teamsTold,
    });
    return { result, nextAt };
  }

  /** An admin had it looked at whether the teams are to be seen again. Nothing is written before that is known. */
  private async lookAgain(run: RunContext): Promise<RunResult> {
    const { integration, lease } = run;
    const { result, nextAt } = await this.reconcile(run, false);
    const isTold = result.kind === 'complete' || (result.kind === 'incomplete' && result.teamsTold);
    await this.leases.run(lease, async (tx) => {
      if (isTold) {
        await this.integrations.recovered(tx, integration);
        await makeGroupsDue(tx, 'integrationId = ? AND reason = ?', [integration.id, GROUP_GONE]);
      } else if (result.kind === 'incomplete' && !result.passes) {
        await this.integrations.stayBlind(tx, integration.id);
      }
    });
    const isRepeated = !isTold && result.kind === 'incomplete' && result.passes;
    if (isRepeated) await this.ledger.backOff(lease, nextAt - Date.now());
    else await this.ledger.settle(lease, null);
    return { more: isTold };
  }

  /** A person or name that changed does not wait for groups that are compared as a whole, such as those to be repaired. */
  private async work(run: RunContext): Promise<boolean> {
    const { id } = run.integration;
    let until = performance.now() + TIME_SLICE_MS;
    const turn: Turn = { isOver: () => performance.now() >= until, inHand: new Map() };
    if (isBeingDeleted(run.integration)) {
      return this.workThrough(run, turn, () => this.views.dueToBeLetGo(id, Date.now(), GROUPS_PER_BATCH));
    }
    const lane = (compared: 'whole' | 'in part', its: Turn) =>
      this.workThrough(run, its, () => this.views.due(id, compared, Date.now(), GROUPS_PER_BATCH));
    let goesOn = true;
    const whole = allEnded([
      lane('whole', turn),
      this.users.reviewDiffering(run).then(() => lane('whole', turn)),
    ]).finally(() => (goesOn = false));
    // One large group may take far longer than the time slice.
    const beside: Turn = { ...turn, isOver: () => !goesOn && turn.isOver() };
    const more = await workBeside(
      whole,
      () => lane('in part', beside),
      () => (until = performance.now()),
    );
    return (await whole).includes(true) || more;
  }

  private async workThrough(run: RunContext, turn: Turn, due: () => Promise<string[]>): Promise<boolean> {
    let before: ReadonlySet<string> = new Set();
    while (!turn.isOver()) {
      const groupIds = (await due()).filter((groupId) => !turn.inHand.has(groupId));
      if (groupIds.length === 0) return false;
      // Whatever makes a group due again and again must not starve everybody else.
      if (groupIds.every((groupId) => before.has(groupId))) await pause(LOOK_AGAIN_AFTER_MS);
      before = new Set(groupIds);
      run.watch.assertCurrent();
      await this.applyBatch(run, groupIds, turn);
      await this.assertPermitted(run);
    }
    return true;
  }

  private async applyBatch(run: RunContext, groupIds: readonly string[], turn: Turn): Promise<void> {
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
    const isAnothers = (groupId: string) => (turn.inHand.get(groupId) ?? batch) !== batch;
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
      const seen = batch.views.shift();
      if (!seen) return;
      try {
        // Until its turn came, minutes may have passed: it may be deleted, or have another name.
        const view = await this.read(run, seen.groupId);
        const found = nameWithoutTeam(view) === nameWithoutTeam(seen) ? batch.found : undefined;
        await this.groups.apply(run, seen.change?.whole ? comparedWhole(view) : view, found);
        batch.failuresInARow = 0;
        batch.progressed = true;
        run.progressed = true;
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

  /** With its integration every group goes, whether or not the IdP deleted it. */
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

  /**
   * A write that is refused may be one object's own matter. Refused on several objects, and allowed on none, it is the
   * credential's; so is, while it is being probed, any refusal that nothing speaks against.
   *
   * @throws ProviderError
   */
  private async assertPermitted({ integration, permissions }: RunContext): Promise<void> {
    const { denied, granted } = permissions;
    if (!denied || granted) return;
    if (integration.suspensionReason !== denied.reason) {
      const { stopped, all } = await this.views.stoppedFor(integration.id, denied.reason);
      if (!isDeniedEverywhere(stopped, all)) return;
    }
    throw denied;
  }

  /** Whatever was wrong with the connection no longer is: what had failed was done again, or something else was. */
  private async recovered({ integration, lease, progressed }: RunContext): Promise<void> {
    const wasSuspended = integration.suspensionReason !== null;
    if (!wasSuspended && !(progressed && integration.connectionStatus === 'failed')) return;
    await this.leases.run(lease, (tx) => this.integrations.recovered(tx, integration));
  }

  /**
   * What concerns the credential suspends the integration; everything else is tried again after a while.
   */
  private async stopFor(run: RunContext, error: ProviderError): Promise<RunResult> {
    const { reason, explanation: message } = error;
    // A lone refusal stays with its group or member, and does not come so far.
    // A suspension that only an admin ends gives way to none that ends by itself.
    const concernsCredential =
      (error.kind === 'credentials' || error.kind === 'permission') && !isBlind(run.integration);
    if (!concernsCredential) {
      // Of an account that may be reached in another way by now, or is to be left alone.
      if (run.watch.isOutdated) return { more: true };
      if (!run.progressed) {
        await this.leases.run(run.lease, (tx) =>
          this.integrations.connectionFailed(tx, run.integration.id, { reason, message }),
        );
      }
      await this.ledger.backOffAfterFailure(run.lease, run.progressed, (failures) =>
        passingFailureDelay(failures, error.retryAfterMs, Math.random()),
      );
      return run.progressed ? { more: false } : { more: false, away: true };
    }
    await this.ledger.backOff(run.lease, PROBE_EVERY_MS);
    const { id, revision } = run.integration;
    // Meanwhile the credential that failed may be the stored one no longer.
    const outdated = await this.leases.run(run.lease, async (tx) => {
      const changed = (await this.integrations.locked(tx, id)).revision !== revision;
      // Or it may have been mended: whoever asked for another attempt does not wait for it.
      const isAskedFor = await this.ledger.isHurried(tx, id);
      const nextProbeAt = Date.now() + (isAskedFor ? 0 : PROBE_EVERY_MS);
      if (!changed) await this.integrations.suspend(tx, id, { reason, message, nextProbeAt });
      // The next run is to make the very calls that failed.
      await makeGroupsDue(
        tx,
        'integrationId = ? AND reason = ?',
        [id, reason],
        changed ? Date.now() : nextProbeAt,
      );
      return changed;
    });
    if (outdated) await this.ledger.settle(run.lease, Date.now());
    return { more: outdated };
  }
}

/** No answer at all, or one that many groups need, speaks of the account; nothing else of the batch has worked. */
function isOfAccount({ status }: ProviderError, { putOff }: Batch): boolean {
  return status === null || putOff >= FAILURES_THAT_STOP;
}

/** Another lane may be at the group by now. */
function letGoOf(groupId: string, batch: Batch): void {
  const { inHand } = batch.turn;
  if (inHand.get(groupId) === batch) inHand.delete(groupId);
}

/** Whatever one of them met, none may still be writing when the lease is given back. */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/**
 * Looks for work again and again until what goes on beside it has ended.
 *
 * @param stop ends the other one early, once the work has failed
 */
async function workBeside(
  other: Promise<unknown>,
  work: () => Promise<boolean>,
  stop: () => void,
): Promise<boolean> {
  const going = { ended: false };
  // It may fail while nobody waits for it: that is told by waiting for it in the end.
  const settled = Promise.allSettled([other]).then(() => (going.ended = true));
  try {
    let more = await work();
    while (!going.ended) {
      await Promise.race([other, pause(LOOK_FOR_CHANGES_EVERY_MS)]);
      more = await work();
    }
    await other;
    return more;
  } finally {
    stop();
    // Nothing may still be writing when the lease is given back.
    await settled;
  }
}

function reconciliationInterval({ integration }: RunContext): number {
  return integration.policies.reconcileEveryMinutes * 60_000;
}

/** The credential has lost sight of teams: all that a run may do is look whether it sees them again. */
function isBlind({ suspensionReason }: Integration): boolean {
  return suspensionReason === VISIBILITY_LOST;
}

/** One that is being deleted lets go of its teams in whatever mode it is. */
function mayWrite(integration: Integration): boolean {
  if (integration.mode !== 'enabled' && !isBeingDeleted(integration)) return false;
  if (integration.suspensionReason === null) return true;
  if (integration.suspensionReason === ACCOUNT_MISMATCH) {
    // No probe ends it: it is looked at again once an admin has changed something.
    return integration.accountCheckedRevision !== integration.revision;
  }
  return integration.nextProbeAt !== null && integration.nextProbeAt <= Date.now();
}

function isBeingDeleted({ deletingSince }: Integration): boolean {
  return deletingSince !== null;
}
