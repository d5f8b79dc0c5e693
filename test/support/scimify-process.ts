import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { waitFor } from './wait';

const COMMAND: readonly string[] = [process.execPath, join(__dirname, '../../dist/src/main.js')];

const KEPT_OUTPUT = 5_000_000;

/** Tests send many requests per minute. */
const UNLIMITED = { SCIMIFY_SCIM_RATE_LIMIT: '0', SCIMIFY_ADMIN_RATE_LIMIT: '0' };

/** The product as a separate process, which a test can kill. */
export class ScimifyProcess {
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(
    readonly port: number,
    private readonly env: Record<string, string>,
    private readonly command: readonly string[],
  ) {}

  /** @param command runs another build than this project's */
  static async create(env: Record<string, string>, command = COMMAND): Promise<ScimifyProcess> {
    return new ScimifyProcess(await freePort(), env, command);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resident memory, in MiB. */
  get memory(): number {
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(this.child!.pid)], { encoding: 'utf8' });
    return Number(stdout) / 1024;
  }

  /** The last part of its output. */
  get printed(): string {
    return this.output;
  }

  async start(): Promise<void> {
    const { PATH = '' } = process.env;
    const [program, ...rest] = this.command;
    const child = spawn(program!, rest, {
      env: { PATH, PORT: String(this.port), ...UNLIMITED, ...this.env },
    });
    this.child = child;
    child.stdout.on('data', (text) => (this.output = (this.output + text).slice(-KEPT_OUTPUT)));
    child.stderr.on('data', (text) => (this.output = (this.output + text).slice(-KEPT_OUTPUT)));
    await waitFor(
      'Scimify to be ready',
      async () => {
        if (child.exitCode !== null) throw new Error(`Scimify ended at once: ${this.output}`);
        return fetch(`${this.url}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        );
      },
      (status) => status === 200,
      60_000,
    );
  }

  /** With SIGKILL. */
  async kill(): Promise<void> {
    const child = this.child!;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** @returns the exit code */
  async stop(): Promise<number | null> {
    const child = this.child!;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    return child.exitCode;
  }
}

/** Below the ports that systems use for port 0, and different for each test worker. */
const FIRST_PORT = 20_000 + Number(process.env.JEST_WORKER_ID ?? 1) * 500;
let nextPort = FIRST_PORT + Math.floor(Math.random() * 400);

async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort++;
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      // Another process uses this port.
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
