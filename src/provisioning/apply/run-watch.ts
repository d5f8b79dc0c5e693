import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { chunksToRead } from '../../database/chunks';
import { IntegrationChanges } from '../../integrations/integration-changes';
import { Integrations } from '../../integrations/integrations.service';

/**
 * Changes are announced only in the process that makes them. With this polling, a new mode applies everywhere
 * within a second.
 */
const POLL_EVERY_MS = 500;
/**
 * Aborting a call does not undo it, it only makes the result unclear. So the run waits this long for calls in
 * flight, and no longer.
 */
const CALLS_END_WITHIN_MS = 2_000;

/**
 * The integration has changed since the run began. Nothing more is sent, and the next run starts with the new
 * state.
 */
export class RunOutdatedError extends Error {
  constructor() {
    super('The integration was changed.');
    this.name = 'RunOutdatedError';
  }
}

/** Tells a run whether its integration has changed since it began. */
export class RunWatch {
  /** The revision that the run has read; null before that. */
  revision: number | null = null;
  private readonly cutOff = new AbortController();
  private outdated = false;
  private cutOffTimer: NodeJS.Timeout | null = null;

  constructor(private readonly onEnd: () => void) {}

  /** Aborts calls in flight a while after the integration was changed. */
  get signal(): AbortSignal {
    return this.cutOff.signal;
  }

  get isOutdated(): boolean {
    return this.outdated;
  }

  /** @throws RunOutdatedError */
  assertCurrent(): void {
    if (this.outdated) throw new RunOutdatedError();
  }

  /** From now on the run sends nothing. */
  outdate(): void {
    if (this.outdated) return;
    this.outdated = true;
    this.cutOffTimer = setTimeout(() => this.cutOff.abort(new RunOutdatedError()), CALLS_END_WITHIN_MS);
  }

  end(): void {
    if (this.cutOffTimer) clearTimeout(this.cutOffTimer);
    this.onEnd();
  }
}

/** Tells a run in progress that an admin has paused, disabled, deleted or changed its integration. */
@Injectable()
export class RunWatches implements OnApplicationShutdown {
  private readonly watched = new Map<string, RunWatch>();
  private readonly unsubscribe: () => void;
  private pollTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly integrations: Integrations,
    changes: IntegrationChanges,
  ) {
    this.unsubscribe = changes.subscribe((id) => this.watched.get(id)?.outdate());
  }

  onApplicationShutdown(): void {
    this.unsubscribe();
    if (this.pollTimer) clearTimeout(this.pollTimer);
  }

  /**
   * Must begin before the run reads the integration, so that no later change is missed. An integration has one run
   * at a time.
   */
  begin(integrationId: string): RunWatch {
    const watch = new RunWatch(() => {
      if (this.watched.get(integrationId) === watch) this.watched.delete(integrationId);
    });
    this.watched.set(integrationId, watch);
    this.schedulePoll();
    return watch;
  }

  /** One statement for all runs, however many there are. */
  private async compareRevisions(ids: readonly string[]): Promise<void> {
    for await (const some of chunksToRead(ids)) {
      const revisions = await this.integrations.revisionsOf(some);
      for (const id of some) {
        const watch = this.watched.get(id);
        if (watch && watch.revision !== null && watch.revision !== revisions.get(id)) watch.outdate();
      }
    }
  }

  private schedulePoll(): void {
    this.pollTimer ??= setTimeout(() => void this.poll(), POLL_EVERY_MS).unref();
  }

  private async poll(): Promise<void> {
    try {
      await this.compareRevisions([...this.watched.keys()]);
    } catch {
      // If the database is unavailable, the leases run out and end the runs.
    }
    this.pollTimer = null;
    if (this.watched.size > 0) this.schedulePoll();
  }
}
