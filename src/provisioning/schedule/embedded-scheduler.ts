import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { onBehalfOf } from '../../event-loop/current-work';
import { DesiredStateChanges } from '../../directory/desired-state-changes';
import { IntegrationChanges } from '../../integrations/integration-changes';
import { IntegrationRun } from '../apply/integration-run';
import { Scheduler } from './scheduler';
import { WorkLedger } from './work-ledger';

const SWEEP_EVERY_MS = 1_000;
/** Integrations that run at the same time. They mostly wait for answers, and a large push may take minutes. */
const PARALLEL_RUNS = 1_000;
/**
 * How many of them may have an account that did not answer the last time: these sit out time-outs, and the others
 * must not wait.
 */
const PARALLEL_RUNS_UNRESPONSIVE = 250;

/** The scheduler of a single process: starts runs on changes, and sweeps the database for due work. */
@Injectable()
export class EmbeddedScheduler
  extends Scheduler
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  private readonly logger = new Logger(EmbeddedScheduler.name);
  /** In the order of their turns. */
  private readonly waiting = new Set<string>();
  private readonly running = new Map<string, Promise<void>>();
  /** Integrations whose account did not answer the last time, and those of them that wait or run. */
  private readonly unresponsive = new Set<string>();
  private readonly waitingUnresponsive = new Set<string>();
  private readonly runningUnresponsive = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly unsubscribe: (() => void)[] = [];
  private sweeper: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> | null = null;

  constructor(
    private readonly runs: IntegrationRun,
    private readonly ledger: WorkLedger,
    private readonly desiredState: DesiredStateChanges,
    private readonly integrations: IntegrationChanges,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.unsubscribe.push(
      this.desiredState.subscribe((id) => this.wake(id)),
      this.integrations.subscribe((id) => this.wake(id)),
    );
    this.sweeper = setInterval(() => {
      this.sweeping ??= this.sweep().finally(() => (this.sweeping = null));
    }, SWEEP_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.sweeper) clearInterval(this.sweeper);
    for (const end of this.unsubscribe) end();
    this.waiting.clear();
    this.waitingUnresponsive.clear();
    this.stopping.abort(new Error('Scimify is stopping.'));
    await this.sweeping;
    await Promise.all(this.running.values());
  }

  wake(integrationId: string): void {
    if (this.stopping.signal.aborted) return;
    this.enqueue(integrationId);
    this.startNext();
  }

  private enqueue(id: string): void {
    (this.unresponsive.has(id) ? this.waitingUnresponsive : this.waiting).add(id);
  }

  private startNext(): void {
    this.startFrom(this.waiting, () => this.running.size < PARALLEL_RUNS);
    this.startFrom(
      this.waitingUnresponsive,
      () => this.running.size < PARALLEL_RUNS && this.runningUnresponsive.size < PARALLEL_RUNS_UNRESPONSIVE,
    );
  }

  private startFrom(waiting: Set<string>, hasRoom: () => boolean): void {
    for (const id of waiting) {
      if (!hasRoom()) return;
      // It starts again when the current run ends.
      if (this.running.has(id)) continue;
      waiting.delete(id);
      if (this.unresponsive.has(id)) this.runningUnresponsive.add(id);
      this.running.set(id, this.runOnce(id));
    }
  }

  private async runOnce(id: string): Promise<void> {
    try {
      // A new change does not end the backoff of an unresponsive account.
      if ((await this.ledger.notBefore(id)) > Date.now()) return;
      // Its slices take turns with requests of the same integration, not with those of other integrations.
      const work = { what: 'run of the engine', lane: id };
      const { more, unresponsive } = await onBehalfOf(work, () => this.runs.run(id, this.stopping.signal));
      if (unresponsive) this.unresponsive.add(id);
      else this.unresponsive.delete(id);
      if (more && !this.stopping.signal.aborted) this.enqueue(id);
    } catch (error) {
      this.logger.error(`Run on integration ${id} failed`, error);
    } finally {
      this.running.delete(id);
      this.runningUnresponsive.delete(id);
      if (!this.stopping.signal.aborted) this.startNext();
    }
  }

  private async sweep(): Promise<void> {
    try {
      const due = await this.ledger.due(Date.now());
      if (this.stopping.signal.aborted) return;
      for (const id of due) this.enqueue(id);
      this.startNext();
    } catch (error) {
      this.logger.error('The sweep for due work failed', error);
    }
  }
}
