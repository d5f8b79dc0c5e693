import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { waitFor } from './wait';

const MAIN = join(__dirname, '../../dist/src/main.js');

/** The product as a process of its own, which can be killed. */
export class ScimifyProcess {
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(
    readonly port: number,
    private readonly env: Record<string, string>,
  ) {}

  static async create(env: Record<string, string>): Promise<ScimifyProcess> {
    return new ScimifyProcess(await freePort(), env);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it wrote to its terminal, the last of it. */
  get printed(): string {
    return this.output;
  }

  async start(): Promise<void> {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [MAIN], { env: { PATH, PORT: String(this.port), ...this.env } });
    this.child = child;
    child.stdout.on('data', (text) => (this.output = (this.output + text).slice(-10_000)));
    child.stderr.on('data', (text) => (this.output = (this.output + text).slice(-10_000)));
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
    );
  }

  /** Without any warning. */
  async kill(): Promise<void> {
    const child = this.child!;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** @returns the exit code */
  async stop(): Promise<number | null> {
    const child = this.child!;
    if (child.exitCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    return child.exitCode;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
