import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from './wait-until';

const SERVER = join(__dirname, '..', 'src', 'main.js');
const LOG = 'scimify.log';
const STOP_WITHIN_MS = 15_000;
/** Settings for another Scimify that the operator's shell may contain. */
const OTHER_SETTINGS = /^(SCIMIFY_|PAGERDUTY_|DATABASE_URL$|REDIS_URL$|HOST$|PORT$|NODE_ENV$)/;

/** Runs Scimify as a child process with a temporary SQLite database. */
export class ScimifyProcess {
  private ended: number | string | null = null;
  private stopping: Promise<void> | null = null;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly adminKey: string,
    private readonly directory: string,
  ) {
    child.once('exit', (code, signal) => (this.ended = signal ?? code ?? 'unknown'));
  }

  static async spawn(pagerDutyUrl: string): Promise<ScimifyProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'scimify-demo-'));
    const adminKey = `demo_${randomBytes(24).toString('hex')}`;
    const port = await freePort();
    const log = openSync(join(directory, LOG), 'w');
    const child = spawn(process.execPath, [SERVER], {
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !OTHER_SETTINGS.test(name))),
        NODE_ENV: 'development',
        PORT: String(port),
        DATABASE_URL: `sqlite:${join(directory, 'scimify.sqlite')}`,
        SCIMIFY_DATA_DIR: directory,
        SCIMIFY_ADMIN_KEY: adminKey,
        PAGERDUTY_API_URL: pagerDutyUrl,
        PAGERDUTY_IDENTITY_URL: pagerDutyUrl,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    return new ScimifyProcess(child, `http://localhost:${port}`, adminKey, directory);
  }

  /** @throws Error with the last lines of the server's log when it does not become ready */
  async ready(): Promise<void> {
    try {
      await waitUntil('Scimify is ready', () => this.isReady());
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.logTail()}`, { cause: error });
    }
  }

  get logFile(): string {
    return join(this.directory, LOG);
  }

  /** Calls `report` when the server exits without `stop()`. */
  onCrash(report: (how: string) => void): void {
    this.child.once('exit', (code, signal) => {
      if (!this.stopping) report(`Scimify stopped unexpectedly (${signal ?? code})\n${this.logTail()}`);
    });
  }

  /** Lets the server finish its work, then removes its database. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    if (this.ended === null && this.child.pid !== undefined) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const killTimer = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(killTimer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async isReady(): Promise<boolean> {
    if (this.ended !== null) throw new Error(`Scimify stopped during its start (${this.ended})`);
    try {
      const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-40).join('\n');
  }
}

/** Scimify needs its port before it listens, because its address is part of the SCIM base URL. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new Error('The operating system returned no free port');
  return address.port;
}
