import { setMaxListeners } from 'node:events';
import { Injectable, Logger } from '@nestjs/common';
import type { Integration } from '../../integrations/integration.entity';
import { Connections } from '../../integrations/connections/connections.service';
import { Integrations } from '../../integrations/integrations.service';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { PROBE_EVERY_MS, passingFailureDelay } from '../plan/backoff';
import { type Lease, LeaseLostError, Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { GroupApplier } from './group-applier';
import { type GroupView, GroupViews } from './group-view';
import { People } from './people';
import type { RunContext } from './run-context';
import { Teams } from './teams';
import { UserResolution } from './user-resolution';

/** One turn of an integration: after that another one has its turn, however much is left to do. */
const TIME_SLICE_MS = 10_000;
const GROUPS_PER_BATCH = 50;
/** So many groups in a row that fail for a passing reason speak of the account, not of the groups. */
const FAILURES_THAT_STOP = 3;
const PEOPLE_PER_LOOK_UP = 10_000;

/** Groups that several workers work off, one group each at a time. */
interface Batch {
  views: GroupView[];
  found: ReadonlyMap<string, FoundTeam> | undefined;
  until: number;
  failuresInARow: number;
}

export interface RunResult {
  /** There is more to do at once. */
  more: boolean;
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
    private readonly ledger: WorkLedger,
  ) {}

  /** @param stop aborts between two calls when the process is to end */
  async run(integrationId: string, stop: AbortSignal): Promise<RunResult> {
    const integration = await this.integrations.find(integrationId);
    if (!integration || !mayWrite(integration)) return { more: false };
    const lease = await this.leases.acquire(integrationId);
    if (!lease) return { more: false };
    try {
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
      run.accountIdentity = await this.accountIdentity(run);
      const more = await this.work(run);
      const dueAt = await this.views.nextDue(integration.id);
      await this.ledger.settle(lease, dueAt);
      return { more };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      await this.stopFor(run, error);
      return { more: false };
    }
  }

  private async work(run: RunContext): Promise<boolean> {
    const until = performance.now() + TIME_SLICE_MS;
    while (performance.now() < until) {
      const due = await this.views.due(run.integration.id, Date.now(), GROUPS_PER_BATCH);
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
      views.push(await this.teams.takeOver(run, view));
    }
    await this.users.resolve(run, await this.peopleToLookUp(views));
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

  /** All whom this batch may need, so that the provider can choose the fewest calls for all of them together. */
  private async peopleToLookUp(views: readonly GroupView[]): Promise<string[]> {
    const userIds = new Set<string>();
    for (const view of views) {
      if (!view.group) continue;
      if (view.change?.whole) {
        for (let after = ''; userIds.size < PEOPLE_PER_LOOK_UP * 10;) {
          const members = await this.people.membersAfter(view.groupId, after, PEOPLE_PER_LOOK_UP);
          for (const userId of members) userIds.add(userId);
          if (members.length < PEOPLE_PER_LOOK_UP) break;
          after = members.at(-1)!;
        }
      }
      for (const { userId } of await this.people.changedPairs(view.groupId, PEOPLE_PER_LOOK_UP))
        userIds.add(userId);
      if (!view.remote) continue;
      for (const userId of await this.people.parkedDue(view.remote.id, Date.now(), PEOPLE_PER_LOOK_UP)) {
        userIds.add(userId);
      }
    }
    return [...userIds];
  }

  /** Teams of the names of all groups that have none yet, in one look-up. */
  private async findTeams(
    run: RunContext,
    views: readonly GroupView[],
  ): Promise<ReadonlyMap<string, FoundTeam> | undefined> {
    const names = views
      .filter(({ group, remote }) => group && !remote?.remoteId && !remote?.createIntent)
      .map(({ group }) => group!.displayName);
    return names.length > 0 ? run.connection.findGroups(names, run.call) : undefined;
  }

  /** Known since the first success, or since a probe of a suspended integration. */
  private async accountIdentity(run: RunContext): Promise<string> {
    const { integration } = run;
    if (integration.accountIdentity !== null && integration.suspensionReason === null) {
      return integration.accountIdentity;
    }
    const account = await run.connection.account(run.call);
    const known = account ?? {
      identity: `${integration.provider}:integration:${integration.id}`,
      name: run.provider.description.displayName,
      url: '',
    };
    await this.leases.run(run.lease, (tx) => this.integrations.connected(tx, integration.id, known));
    return known.identity;
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

function mayWrite(integration: Integration): boolean {
  if (integration.mode !== 'enabled') return false;
  return integration.suspensionReason === null || (integration.nextProbeAt ?? 0) <= Date.now();
}
