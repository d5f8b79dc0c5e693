import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { chunksToRead } from '../../database/chunks';
import { IntegrationChanges } from '../../integrations/integration-changes';
import { Integrations } from '../../integrations/integrations.service';

/** What another process changes is announced in that one only; a mode holds within a second everywhere. */
const LOOK_EVERY_MS = 500;
/** A call under way is not taken back by cutting it off, it only ends unclear; longer than this it is not waited for. */
const CALLS_END_WITHIN_MS = 2_000;

/** The integration is not any more what the run began with: nothing further is sent, and the next run begins anew. */
export class RunOutdatedError extends Error {
  constructor() {
    super('The integration was changed.');
    this.name = 'RunOutdatedError';
  }
}

/** Whether an integration is still what a run on it began with. */
export class RunWatch {
  /** Of the integration as the run read it; null until it has. */
  revision: number | null = null;
  private readonly cutOff = new AbortController();
  private outdated = false;
  private patience: NodeJS.Timeout | null = null;

  constructor(private readonly onEnd: () => void) {}

  /** Aborts what is still under way a while after the integration was changed. */
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

  /** From now on nothing is sent. */
  outdate(): void {
    if (this.outdated) return;
    this.outdated = true;
    this.patience = setTimeout(() => this.cutOff.abort(new RunOutdatedError()), CALLS_END_WITHIN_MS);
  }

  end(): void {
    if (this.patience) clearTimeout(this.patience);
    this.onEnd();
  }
}

/** Tells a run in the middle of it that an admin paused, disabled, deleted or otherwise changed its integration. */
@Injectable()
export class RunWatches implements OnApplicationShutdown {
  private readonly watched = new Map<string, RunWatch>();
  private readonly unsubscribe: () => void;
  private looker: NodeJS.Timeout | null = null;

  constructor(
    private readonly integrations: Integrations,
    changes: IntegrationChanges,
  ) {
    this.unsubscribe = changes.subscribe((id) => this.watched.get(id)?.outdate());
  }

  onApplicationShutdown(): void {
    this.unsubscribe();
    if (this.looker) clearTimeout(this.looker);
  }

  /** Has to begin before the run reads the integration: whatever changes after that is told. There is one run at a time on each. */
  begin(integrationId: string): RunWatch {
    const watch = new RunWatch(() => {
      if (this.watched.get(integrationId) === watch) this.watched.delete(integrationId);
    });
    this.watched.set(integrationId, watch);
    this.lookLater();
    return watch;
  }

  /** One statement for all runs, however many there are. */
  private async look(ids: readonly string[]): Promise<void> {
    for await (const some of chunksToRead(ids)) {
      const revisions = await this.integrations.revisionsOf(some);
      for (const id of some) {
        const watch = this.watched.get(id);
        if (watch && watch.revision !== null && watch.revision !== revisions.get(id)) watch.outdate();
      }
    }
  }

  private lookLater(): void {
    this.looker ??= setTimeout(() => void this.lookAtAll(), LOOK_EVERY_MS).unref();
  }

  private async lookAtAll(): Promise<void> {
    try {
      await this.look([...this.watched.keys()]);
    } catch {
      // Where the database is away, the leases run out.
    }
    this.looker = null;
    if (this.watched.size > 0) this.lookLater();
  }
}
