import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Integration } from '../../integrations/integration.entity';
import { Connections } from '../../integrations/connections/connections.service';
import { Integrations } from '../../integrations/integrations.service';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { ACCOUNT_MISMATCH } from '../../integrations/suspension-reasons';
import { PROBE_EVERY_MS, passingFailureDelay } from '../plan/backoff';
import { Reconciler } from '../reconcile/reconciler';
import { type Lease, LeaseLostError, Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { AccountCheck } from './account-check';
import { GroupApplier } from './group-applier';
import { type GroupView, GroupViews, namesWithoutTeam } from './group-view';
import { IntegrationRemoval } from './integration-removal';
import { People } from './people';
import type { RunContext, RunResult } from './run-context';
import { Teams } from './teams';
import { UserResolution } from './user-resolution';

/** One turn of an integration: after that another one has its turn, however much is left to do. */
const TIME_SLICE_MS = 10_000;
const GROUPS_PER_BATCH = 50;
/** So many groups in a row that fail for a passing reason speak of the account, not of the groups. */
const FAILURES_THAT_STOP = 3;
const LOOK_FOR_CHANGES_EVERY_MS = 250;

/** Groups that several workers work off, one group each at a time. */
interface Batch {
  views: GroupView[];
  found: ReadonlyMap<string, FoundTeam> | undefined;
  until: number;
  failuresInARow: number;
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
    const lease = await this.leases.acquire(integrationId);
    if (!lease) return { more: false };
    try {
      if (await this.removal.isDue(integration)) return await this.removal.remove(integration, lease, stop);
      if (!mayWrite(integration)) {
        await this.ledger.settle(lease, Date.now() + PROBE_EVERY_MS);
        return { more: false };
      }
      return await this.runWith(integration, lease, stop);
    } catch (error) {
      if (error instanceof LeaseLostError || stop.aborted) return { more: false };
      this.logger.error(`Run on integration ${integrationId} failed`, error);
      await this.ledger.backOff(lease, passingFailureDelay(4, undefined, Math.random()));
      return { more: false };
    } finally {
      await this.leases.release(lease);
    }
  }

  private async runWith(integration: Integration, lease: Lease, stop: AbortSignal): Promise<RunResult> {
    const signal = AbortSignal.any([lease.signal, stop]);
    setMaxListeners(0, signal);
    const { provider, connection } = this.connections.open(integration);
    const call = { signal, priority: 'interactive' as const, assertMaySend: () => lease.assertMaySend() };
    const run: RunContext = {
      integration,
      accountIdentity: '',
      provider,
      connection,
      lease,
      call,
      progressed: false,
    };
    try {
      const identity = await this.account.identify(run);
      if (identity === null) return { more: false };
      run.accountIdentity = identity;
      const more = isBeingDeleted(integration) ? await this.work(run) : await this.workWhileReconciling(run);
      const dueAt = await this.views.nextDue(integration.id);
      await this.ledger.settle(lease, dueAt);
      return { more: more || (await this.removal.isDue(integration)) };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      await this.stopFor(run, error);
      return { more: false };
    }
  }

  /** Changes that come while the target is being looked at as a whole do not wait for the end of it. */
  private async workWhileReconciling(run: RunContext): Promise<boolean> {
    const everyMs = run.integration.policies.reconcileEveryMinutes * 60_000;
    const { due, acceptMissing } = await this.ledger.reconciliationDue(run.lease, everyMs);
    if (!due) return this.work(run);
    const stop = new AbortController();
    const call = { ...run.call, signal: AbortSignal.any([run.call.signal, stop.signal]) };
    const scan = { ended: false };
    const reconciliation = this.reconciler
      .reconcile({ ...run, call }, acceptMissing)
      .then(() => this.ledger.reconciled(run.lease, everyMs))
      .finally(() => (scan.ended = true));
    try {
      let more = await this.work(run);
      while (!scan.ended) {
        await Promise.race([reconciliation, pause(LOOK_FOR_CHANGES_EVERY_MS)]);
        more = await this.work(run);
      }
      return more;
    } finally {
      stop.abort(new Error('The run ends.'));
      // Nothing may still be writing when the lease is given back; why it failed is told by what is thrown above.
      await reconciliation.catch(() => undefined);
    }
  }

  private async work(run: RunContext): Promise<boolean> {
    const until = performance.now() + TIME_SLICE_MS;
    while (performance.now() < until) {
      const due = isBeingDeleted(run.integration)
        ? await this.views.dueToBeLetGo(run.integration.id, Date.now(), GROUPS_PER_BATCH)
        : await this.views.due(run.integration.id, Date.now(), GROUPS_PER_BATCH);
      if (due.length === 0) return false;
      // The mode may have been changed by an admin in any process.
      const integration = await this.integrations.find(run.integration.id);
      if (integration?.revision !== run.integration.revision) return true;
      await this.applyBatch(run, due, until);
    }
    return true;
  }

  private async applyBatch(run: RunContext, groupIds: readonly string[], until: number): Promise<void> {
    const views: GroupView[] = [];
    for (const groupId of groupIds) {
      const view = await this.views.read(run.integration.id, groupId);
      // With its integration every group goes, whether or not the IdP deleted it.
      const desired = isBeingDeleted(run.integration) ? { ...view, group: null } : view;
      views.push(await this.teams.takeOver(run, desired));
    }
    await this.users.resolve(run, await this.people.concernedBy(views));
    const found = await this.findTeams(run, views);
    const batch: Batch = { views, found, until, failuresInARow: 0 };
    const workers = Array.from({ length: run.provider.limits.parallelCalls }, () => this.workOff(run, batch));
    // Whatever one of them met, none may still be writing when the lease is given back.
    const ended = await Promise.allSettled(workers);
    for (const worker of ended) if (worker.status === 'rejected') throw worker.reason;
  }

  /** @throws whatever makes it pointless to go on with the batch, which ends the other workers too */
  private async workOff(run: RunContext, batch: Batch): Promise<void> {
    while (performance.now() < batch.until) {
      const view = batch.views.shift();
      if (!view) return;
      try {
        await this.groups.apply(run, view, batch.found);
        batch.failuresInARow = 0;
        run.progressed = true;
      } catch (error) {
        batch.failuresInARow += 1;
        const goesOn =
          error instanceof ProviderError && !error.accountWide && batch.failuresInARow < FAILURES_THAT_STOP;
        if (goesOn) continue;
        batch.views.length = 0;
        throw error;
      }
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

  /** What concerns the credential suspends the integration; everything else is tried again after a while. */
  private async stopFor(run: RunContext, error: ProviderError): Promise<void> {
    const concernsCredential =
      error.kind === 'credentials' || (error.kind === 'permission' && error.accountWide);
    if (!concernsCredential) {
      await this.ledger.backOffAfterFailure(run.lease, run.progressed, (failures) =>
        passingFailureDelay(failures, error.retryAfterMs, Math.random()),
      );
      return;
    }
    const nextProbeAt = Date.now() + PROBE_EVERY_MS;
    await this.leases.run(run.lease, (tx) =>
      this.integrations.suspend(tx, run.integration.id, {
        reason: error.reason,
        message: error.explanation,
        nextProbeAt,
      }),
    );
    await this.ledger.backOff(run.lease, PROBE_EVERY_MS);
  }
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
