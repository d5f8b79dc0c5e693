import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Integration } from '../../integrations/integration.entity';
import { Connections } from '../../integrations/connections/connections.service';
import { Integrations } from '../../integrations/integrations.service';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { Suspensions } from '../../integrations/suspensions.service';
import { PROBE_EVERY_MS, passingFailureDelay } from '../plan/backoff';
import { settleSoon } from '../plan/just-created';
import { Reconciler } from '../reconcile/reconciler';
import { type Lease, LeaseLostError, Leases } from '../schedule/lease';
import { type RunBeginning, WorkLedger } from '../schedule/work-ledger';
import { isBeingDeleted, mayWrite } from '../state/may-write';
import { forgetFailures, makeGroupsDue } from '../state/waiting-groups';
import { AccountCheck } from './account-check';
import { DueGroups } from './due-groups';
import { GroupLoader } from './loaded-group';
import { GroupWork } from './group-work';
import { IntegrationRemoval } from './integration-removal';
import { isOutage } from './not-visible-yet';
import type { RunContext, RunResult } from './run-context';
import { RunHalt } from './run-halt';
import { RunOutdatedError, type RunWatch, RunWatches } from './run-watch';
import { GroupTurns } from './group-turns';
import { UserResolution } from './user-resolution';
import { watchWrites } from './watched-writes';
import { WriteRights } from './write-rights';

const LOOK_FOR_CHANGES_EVERY_MS = 250;

/**
 * One run on one integration. It processes every group with open work, the most urgent first.
 *
 * A run is requested by the integration's id alone, at any time, also twice or without any work. All open work is
 * in the database, so a run that is cut off is continued by the next one.
 */
@Injectable()
export class IntegrationRun {
  private readonly logger = new Logger(IntegrationRun.name);

  constructor(
    private readonly integrations: Integrations,
    private readonly suspensions: Suspensions,
    private readonly connections: Connections,
    private readonly leases: Leases,
    private readonly watches: RunWatches,
    private readonly groups: GroupWork,
    private readonly loader: GroupLoader,
    private readonly due: DueGroups,
    private readonly users: UserResolution,
    private readonly reconciler: Reconciler,
    private readonly ledger: WorkLedger,
    private readonly account: AccountCheck,
    private readonly removal: IntegrationRemoval,
  ) {}

  /** @param stop aborts between two calls when the process is to end */
  async run(integrationId: string, stop: AbortSignal): Promise<RunResult> {
    const watch = this.watches.begin(integrationId);
    try {
      const integration = await this.integrations.find(integrationId);
      if (!integration || !(mayWrite(integration) || isBeingDeleted(integration))) return { more: false };
      watch.revision = integration.revision;
      return await this.runOn(integration, watch, stop);
    } finally {
      watch.end();
    }
  }

  private async runOn(integration: Integration, watch: RunWatch, stop: AbortSignal): Promise<RunResult> {
    const { id } = integration;
    const acquired = await this.leases.acquire(id, (tx) =>
      this.ledger.begin(tx, id, reconciliationInterval(integration)),
    );
    if (!acquired) return { more: false };
    const { lease, begun } = acquired;
    if (begun.isUrgent) this.connections.forgetFailures(id);
    try {
      if (await this.removal.isDue(integration)) return await this.removal.remove(integration, lease, stop);
      if (!mayWrite(integration)) {
        await this.ledger.settle(lease, Date.now() + PROBE_EVERY_MS);
        return { more: false };
      }
      return await this.runWith(integration, lease, watch, begun, stop);
    } catch (error) {
      if (error instanceof RunOutdatedError) return { more: !stop.aborted };
      if (error instanceof LeaseLostError || (stop.aborted && error === stop.reason)) return { more: false };
      this.logger.error(`Run on integration ${id} failed`, error);
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
    { forgets, reconciliation }: RunBeginning,
    stop: AbortSignal,
  ): Promise<RunResult> {
    const signal = AbortSignal.any([lease.signal, watch.signal, stop]);
    setMaxListeners(0, signal);
    const { provider, connection } = this.connections.open(integration);
    const rights = new WriteRights(connection, {
      stoppedFor: (reason, exceptGroupIds) => this.loader.stoppedFor(integration.id, reason, exceptGroupIds),
      writableGroup: () => this.loader.writableGroup(integration.id),
      isSuspendedFor: (reason) => integration.suspensionReason === reason,
    });
    const halt = new RunHalt();
    const assertMaySend = (): void => {
      lease.assertMaySend();
      watch.assertCurrent();
      halt.assertGoesOn();
    };
    const call = { signal, priority: 'interactive' as const, assertMaySend };
    const run: RunContext = {
      integration,
      accountIdentity: '',
      provider,
      connection: watchWrites(connection, rights),
      lease,
      watch,
      call,
      halt,
      groupTurns: new GroupTurns(),
      progress: { made: false },
      forgets,
      rights,
      creations: { settledSoonUntil: 0 },
    };
    try {
      const identity = await this.account.identify(run);
      if (identity === null) return { more: false };
      run.accountIdentity = identity;
      if (hasLostVisibility(integration)) return await this.probeVisibility(run);
      const more = isBeingDeleted(integration)
        ? await this.groups.releaseAll(run)
        : await this.workWhileReconciling(run, reconciliation);
      await this.recordRecovery(run);
      await this.ledger.settle(lease, await this.nextDue(integration.id));
      return { more: more || (await this.removal.isDue(integration)) };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return this.suspendOrBackOff(run, error);
    }
  }

  /** When the next work of the integration becomes due without a new change. */
  private async nextDue(integrationId: string): Promise<number | null> {
    const due = [await this.due.next(integrationId), await this.users.nextReview(integrationId)];
    const times = due.filter((at) => at !== null);
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Changes that arrive during a reconciliation do not wait for its end. */
  private async workWhileReconciling(
    run: RunContext,
    { due, acceptMissing }: RunBeginning['reconciliation'],
  ): Promise<boolean> {
    if (!due) return this.groups.processDue(run);
    const stop = new AbortController();
    const call = { ...run.call, signal: AbortSignal.any([run.call.signal, stop.signal]) };
    const reconciliation = this.reconcile({ ...run, call }, acceptMissing).then(({ result }) => {
      if (result.kind === 'complete') run.progress.made = true;
    });
    return workWhile(
      reconciliation,
      () => this.groups.processDue(run),
      () => stop.abort(new Error('The run ends.')),
    );
  }

  private async reconcile(run: RunContext, acceptMissing: boolean) {
    const startedAt = Date.now();
    const result = await this.reconciler.reconcile(run, acceptMissing);
    // Only after the reconciliation, which skips every remote group that is being written to.
    if (run.forgets) await this.leases.run(run.lease, (tx) => forgetFailures(tx, run.integration.id));
    const nextAt = await this.ledger.reconciled(
      run.lease,
      run.integration.policies.reconcileEveryMinutes * 60_000,
      {
        startedAt,
        acceptedMissing: acceptMissing,
        problem: result.kind === 'complete' ? null : result.problem,
        passes: result.kind === 'incomplete' && result.passes,
        teamsTold: result.kind !== 'incomplete' || result.teamsTold,
        leftOut: result.kind !== 'visibility-lost' && result.leftOut,
      },
    );
    return { result, nextAt };
  }

  /** An admin asked whether the credential sees the remote groups again. Nothing is written before that is known. */
  private async probeVisibility(run: RunContext): Promise<RunResult> {
    const { integration, lease } = run;
    const { result, nextAt } = await this.reconcile(run, false);
    const isTold = result.kind === 'complete' || (result.kind === 'incomplete' && result.teamsTold);
    await this.leases.run(lease, async (tx) => {
      if (isTold) {
        await this.suspensions.recovered(tx, integration);
        await makeGroupsDue(tx, 'integrationId = ? AND reason = ?', [integration.id, GROUP_GONE]);
      } else if (result.kind === 'incomplete' && !result.passes) {
        await this.suspensions.keepVisibilityLost(tx, integration.id);
      }
    });
    const isRepeated = !isTold && result.kind === 'incomplete' && result.passes;
    if (isRepeated) await this.ledger.backOff(lease, nextAt - Date.now());
    else await this.ledger.settle(lease, null);
    return { more: isTold };
  }

  /** The connection works again: a failed call has succeeded, or another call has. */
  private async recordRecovery({ integration, lease, progress }: RunContext): Promise<void> {
    const wasSuspended = integration.suspensionReason !== null;
    if (!wasSuspended && !(progress.made && integration.connectionStatus === 'failed')) return;
    await this.leases.run(lease, (tx) => this.suspensions.recovered(tx, integration));
  }

  /** A failure of the credential suspends the integration. Every other failure is retried after a backoff. */
  private async suspendOrBackOff(run: RunContext, error: ProviderError): Promise<RunResult> {
    const { reason, explanation: message } = error;
    // A single refusal is recorded with its group or member and does not reach this point. A suspension that only
    // an admin ends is not replaced by one that ends by itself.
    const concernsCredential =
      (error.kind === 'credentials' || error.kind === 'permission') && !hasLostVisibility(run.integration);
    if (!concernsCredential) {
      // The integration has changed meanwhile: it may have another connection, or be paused.
      if (run.watch.isOutdated) return { more: true };
      if (!run.progress.made) {
        await this.leases.run(run.lease, (tx) =>
          this.suspensions.connectionFailed(tx, run.integration.id, { reason, message }),
        );
      }
      await this.ledger.backOffAfterFailure(run.lease, run.progress.made, (failures) =>
        settleSoon(
          passingFailureDelay(failures, error.retryAfterMs, Math.random()),
          isOutage(error) ? run.creations.settledSoonUntil : 0,
          Date.now(),
        ),
      );
      return run.progress.made ? { more: false } : { more: false, unresponsive: true };
    }
    await this.ledger.backOff(run.lease, PROBE_EVERY_MS);
    const { id, revision } = run.integration;
    // The stored credential may no longer be the one that failed.
    const outdated = await this.leases.run(run.lease, async (tx) => {
      const changed = (await this.integrations.locked(tx, id)).revision !== revision;
      // Or the cause may be fixed: a requested retry does not wait for the probe.
      const isAskedFor = await this.ledger.isUrgent(tx, id);
      const nextProbeAt = Date.now() + (isAskedFor ? 0 : PROBE_EVERY_MS);
      if (!changed) await this.suspensions.suspend(tx, id, { reason, message, nextProbeAt });
      // The next run must repeat exactly the calls that failed.
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

/**
 * Repeats `work` until `other` has ended.
 *
 * @param stop ends `other` early when `work` has failed
 */
async function workWhile(
  other: Promise<unknown>,
  work: () => Promise<boolean>,
  stop: () => void,
): Promise<boolean> {
  const otherState = { ended: false };
  // It may fail before it is awaited; the final await reports that failure.
  const settled = Promise.allSettled([other]).then(() => (otherState.ended = true));
  try {
    let more = await work();
    while (!otherState.ended) {
      await Promise.race([other, pause(LOOK_FOR_CHANGES_EVERY_MS)]);
      more = await work();
    }
    await other;
    return more;
  } finally {
    stop();
    // Nothing may still write when the lease is released.
    await settled;
  }
}

/** Null if the integration is never reconciled again. */
function reconciliationInterval(integration: Integration): number | null {
  return isBeingDeleted(integration) ? null : integration.policies.reconcileEveryMinutes * 60_000;
}

/** The credential no longer sees remote groups. A run may only check whether it sees them again. */
function hasLostVisibility({ suspensionReason }: Integration): boolean {
  return suspensionReason === VISIBILITY_LOST;
}
