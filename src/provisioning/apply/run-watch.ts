import { Injectable } from '@nestjs/common';
import { IntegrationChanges } from '../../integrations/integration-changes';
import type { Integration } from '../../integrations/integration.entity';
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
export class RunWatches {
  constructor(
    private readonly integrations: Integrations,
    private readonly changes: IntegrationChanges,
  ) {}

  /** @param integration as the run read it, however long ago */
  async begin({ id, revision }: Integration): Promise<RunWatch> {
    const unsubscribe = this.changes.subscribe((changed) => {
      if (changed === id) watch.outdate();
    });
    const look = async () => {
      const current = await this.integrations.find(id);
      if (current?.revision !== revision) watch.outdate();
    };
    // Where the database is away, the lease runs out.
    const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
    const watch = new RunWatch(() => {
      clearInterval(timer);
      unsubscribe();
    });
    try {
      await look();
    } catch (error) {
      watch.end();
      throw error;
    }
    return watch;
  }
}
