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

/** A process whose event loop is blocked for longer than this is killed. */
const LONGEST_WAIT_MS = 30_000;
const KEPT_OUTPUT = 20_000;

export interface LoopFigures {
  /** The longest time for which the event loop was blocked, without the time in which another process had the core. */
  longestHoldMs: number;
  longestDelayMs: number;
  p99DelayMs: number;
  /** Peak memory of the process. */
  peakMemoryMb: number;
  /** Whether it exited, or was killed after 30 s without an answer. Then `longestHoldMs` is only a lower bound. */
  killed: boolean;
}

/** The figures that loop-watch.js sends. */
type ToldFigures = Omit<LoopFigures, 'peakMemoryMb' | 'killed'>;

/** The product as a separate process that measures how long its event loop was blocked. */
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

  /** Starts the measurement. */
  async begin(): Promise<void> {
    const begun = once(this.child, 'message');
    this.child.send('begin');
    await begun;
    this.forgetPeakMemory();
    this.begunAt = performance.now();
    this.waitedBefore = this.waitedForCoreMs();
  }

  /** The figures since `begin`. It kills a process that does not answer, and restarts a process that has ended. */
  async end(): Promise<LoopFigures> {
    const answer = await this.figures();
    const peakMemoryMb = this.peakMemoryMb();
    if (answer) return { ...answer, peakMemoryMb, killed: false };
    const heldMs = performance.now() - this.begunAt - (this.waitedForCoreMs() - this.waitedBefore);
    await this.kill();
    await this.start();
    return { longestHoldMs: heldMs, longestDelayMs: heldMs, p99DelayMs: heldMs, peakMemoryMb, killed: true };
  }

  /** @returns null if the process has exited, or does not answer */
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

  /** A clean stop, so that the whole database is in one file. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    // An open channel keeps the process running even if it has no other work.
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

  /** Linux only. On other systems the peak is that of the whole lifetime. */
  private forgetPeakMemory(): void {
    try {
      writeFileSync(`/proc/${this.child.pid}/clear_refs`, '5');
    } catch {
      // The figure is then too high, never too low.
    }
  }

  /** The same as in loop-watch.js, for a process that does not answer. */
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
