import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../../support/wait';

const MAIN = join(process.cwd(), 'dist/src/main.js');
const WATCH = join(__dirname, 'loop-watch.js');

/** A thread that is held for longer than that is not waited for. */
const LONGEST_WAIT_MS = 30_000;
const KEPT_OUTPUT = 20_000;

export interface LoopFigures {
  /** For how long the thread was held at one go, without the time in which another process had the core. */
  longestHoldMs: number;
  longestDelayMs: number;
  p99DelayMs: number;
  /** The most memory that the process had. */
  peakMemoryMb: number;
  /** Whether it ended, or had to be killed as it did not answer within 30 s: the hold is a guess from below then. */
  killed: boolean;
}

/** As loop-watch.js tells them. */
type ToldFigures = Omit<LoopFigures, 'peakMemoryMb' | 'killed'>;

/** The product as a process of its own that tells how long its thread was held. */
export class MeasuredScimify {
  private child!: ChildProcess;
  private output = '';
  private begunAt = 0;
  private waitedBefore = 0;

  private constructor(
    private readonly env: Record<string, string>,
    private readonly port: number,
  ) {}

  static async start(env: Record<string, string>): Promise<MeasuredScimify> {
    const scimify = new MeasuredScimify(env, await freePort());
    await scimify.start();
    return scimify;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From here on the figures count. */
  async begin(): Promise<void> {
    const begun = once(this.child, 'message');
    this.child.send('begin');
    await begun;
    this.forgetPeakMemory();
    this.begunAt = performance.now();
    this.waitedBefore = this.waitedForCoreMs();
  }

  /** The figures since `begin`. A process that does not answer is killed, and one that ended is started anew. */
  async end(): Promise<LoopFigures> {
    const answer = await this.figures();
    const peakMemoryMb = this.peakMemoryMb();
    if (answer) return { ...answer, peakMemoryMb, killed: false };
    const heldMs = performance.now() - this.begunAt - (this.waitedForCoreMs() - this.waitedBefore);
    await this.kill();
    await this.start();
    return { longestHoldMs: heldMs, longestDelayMs: heldMs, p99DelayMs: heldMs, peakMemoryMb, killed: true };
  }

  /** @returns null if it has ended by itself, or does not answer */
  private async figures(): Promise<ToldFigures | null> {
    if (this.hasEnded) return null;
    const child = this.child;
    const giveUp = new AbortController();
    const { signal } = giveUp;
    const none = () => null;
    const told = once(child, 'message', { signal }).then(([figures]) => figures as ToldFigures, none);
    child.send('end');
    const answer = await Promise.race([
      told,
      once(child, 'exit', { signal }).then(none, none),
      pause(LONGEST_WAIT_MS, null, { signal }).catch(none),
    ]);
    giveUp.abort();
    return answer;
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** As an operator does, so that the database is one whole file. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    // An open channel keeps a process alive that has nothing else to do.
    this.child.disconnect();
    this.child.kill('SIGTERM');
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async start(): Promise<void> {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, ['--require', WATCH, MAIN], {
      env: { PATH, PORT: String(this.port), ...this.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child = child;
    const keep = (text: Buffer) => (this.output = (this.output + text.toString()).slice(-KEPT_OUTPUT));
    child.stdout!.on('data', keep);
    child.stderr!.on('data', keep);
    await waitFor(
      'Scimify to be ready',
      async () => {
        if (this.hasEnded) throw new Error(`Scimify ended at once: ${this.output}`);
        return fetch(`${this.url}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        );
      },
      (status) => status === 200,
      100_000,
    );
  }

  /** Linux only: elsewhere the peak is that of the whole life. */
  private forgetPeakMemory(): void {
    try {
      writeFileSync(`/proc/${this.child.pid}/clear_refs`, '5');
    } catch {
      // Then the figure is too high rather than too low.
    }
  }

  /** As in loop-watch.js, for a process that cannot tell it any more. */
  private waitedForCoreMs(): number {
    try {
      return Number(readFileSync(`/proc/${this.child.pid}/schedstat`, 'latin1').split(' ', 2)[1]) / 1e6;
    } catch {
      return this.waitedBefore;
    }
  }

  private peakMemoryMb(): number {
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      return 0;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
