import { Injectable } from '@nestjs/common';
import type { RunTransaction } from '../../database/bounded-delete';
import { IntegrationDirectory } from '../../directory/integration-directory';
import { IntegrationLifecycle } from '../../integrations/integration-lifecycle.service';
import type { Integration } from '../../integrations/integration.entity';
import { type Lease, Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { RemoteRows } from '../state/remote-rows';
import { GroupLoader } from './loaded-group';
import type { RunResult } from './run-context';

/** The longest time that a SCIM request from before the deletion waits for its write. */
const REQUESTS_END_WITHIN_MS = 6_000;
const TIME_SLICE_MS = 10_000;

class TimeSliceOver extends Error {}

/**
 * Deletes the data of a deleted integration once its remote groups are released. It may be cut off at any point
 * and then continues with the rest.
 */
@Injectable()
export class IntegrationRemoval {
  constructor(
    private readonly loader: GroupLoader,
    private readonly remoteRows: RemoteRows,
    private readonly directory: IntegrationDirectory,
    private readonly integrations: IntegrationLifecycle,
    private readonly leases: Leases,
    private readonly ledger: WorkLedger,
  ) {}

  /** Whether a deleted integration has no remote group left to release; called under its lease. */
  async isDue({ id, deletingSince, deletingTeams }: Integration): Promise<boolean> {
    if (deletingSince === null) return false;
    return deletingTeams === 'leave' || !(await this.loader.holdsRemoteGroups(id));
  }

  /** @throws LeaseLostError, or the reason of `stop` */
  async remove(integration: Integration, lease: Lease, stop: AbortSignal): Promise<RunResult> {
    const requestsEndAt = (integration.deletingSince ?? 0) + REQUESTS_END_WITHIN_MS;
    if (Date.now() < requestsEndAt) {
      await this.ledger.settle(lease, requestsEndAt);
      return { more: false };
    }
    const until = performance.now() + TIME_SLICE_MS;
    const run: RunTransaction = (work) => {
      stop.throwIfAborted();
      if (performance.now() > until) throw new TimeSliceOver();
      return this.leases.run(lease, work);
    };
    try {
      await this.remoteRows.remove(run, integration.id);
      await this.directory.remove(run, integration.id);
      const isRemoved = await run(async (tx) => {
        if (!(await this.directory.isEmpty(tx, integration.id))) return false;
        await this.integrations.remove(tx, integration);
        await this.ledger.forget(tx, integration.id);
        return true;
      });
      return { more: !isRemoved };
    } catch (error) {
      if (error instanceof TimeSliceOver) return { more: true };
      throw error;
    }
  }
}
