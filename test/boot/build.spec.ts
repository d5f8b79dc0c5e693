import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient } from '../support/http';
import { ScimClient } from '../support/scim-client';
import { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';

// Each of them builds or boots.
jest.setTimeout(120_000);

const ROOT = join(__dirname, '../..');
const SHIPPED = ['bin', 'src', 'simulator', 'demo', '.swcrc', 'package.json', 'package-lock.json', 'dist'];
const COMPILER = ['@swc', '.bin'];

/** A separate checkout that a test may change and build. */
class Checkout {
  readonly directory = mkdtempSync(join(tmpdir(), 'scimify-checkout-'));
  readonly data = join(this.directory, 'data');

  constructor({ compiler = true, leaveOut = [] as string[] } = {}) {
    for (const part of SHIPPED.filter((name) => !leaveOut.includes(name))) {
      cpSync(join(ROOT, part), join(this.directory, part), { recursive: true, preserveTimestamps: true });
    }
    mkdirSync(join(this.directory, 'node_modules'));
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (!compiler && COMPILER.includes(name)) continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(this.directory, 'node_modules', name));
    }
  }

  /** Waits until it ends. */
  npm(command: string, env: Record<string, string> = {}) {
    return spawnSync('npm', command.split(' '), {
      cwd: this.directory,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        SCIMIFY_DATA_DIR: this.data,
        ...env,
      },
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  change(file: string, text = '\n'): void {
    appendFileSync(join(this.directory, file), text);
  }

  touch(file: string): void {
    utimesSync(join(this.directory, file), new Date(), new Date());
  }

  delete(part: string): void {
    rmSync(join(this.directory, part), { recursive: true });
  }

  /** Differs between builds. */
  get build(): number {
    return statSync(join(this.directory, 'dist')).ino;
  }

  server(...command: string[]): Promise<ScimifyProcess> {
    return ScimifyProcess.create({ SCIMIFY_DATA_DIR: this.data }, command);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A program that refuses these values has been loaded, and ends at once. */
const REFUSED = { PORT: 'none', SIMULATOR_PORT: 'none' };
const REFUSAL = /PORT must be a port number|--auth none/;

describe('the build that programs run from', () => {
  let checkout: Checkout;

  afterEach(() => checkout.remove());

  it('is run as it stands by every program, and not made again', () => {
    checkout = new Checkout();
    const { build } = checkout;
    for (const command of [
      'start',
      'run secrets:rotate',
      'run migration:run',
      'run simulator',
      'run demo -- --auth none',
    ]) {
      expect([command, checkout.npm(command, REFUSED).stderr]).toEqual([
        command,
        expect.stringMatching(REFUSAL),
      ]);
      expect([command, checkout.build]).toEqual([command, build]);
    }
  });

  it('is made where it is missing or older than its source, and the compiler is there', () => {
    checkout = new Checkout({ leaveOut: ['dist'] });
    expect(checkout.npm('start', REFUSED).stderr).toMatch(REFUSAL);
    for (const file of ['src/main.ts', 'package-lock.json']) {
      const { build } = checkout;
      checkout.change(file);
      const { stderr } = checkout.npm('start', REFUSED);
      expect(stderr).toContain(`The build of Scimify in dist is older than ${file.split('/')[0]}`);
      expect(stderr).toMatch(REFUSAL);
      expect(checkout.build).not.toBe(build);
    }
    expect(readdirSync(checkout.directory).filter((name) => name.startsWith('.dist'))).toEqual([]);
  });

  it('is none of the times of files, which a checkout changes, and none of the tests beside them', () => {
    checkout = new Checkout();
    const { build } = checkout;
    checkout.touch('src/main.ts');
    checkout.change('src/database/writer-lanes.spec.ts');
    expect(checkout.npm('start', REFUSED).stderr).toMatch(REFUSAL);
    expect(checkout.build).toBe(build);
  });

  it('is asked for in one sentence where it is missing or older, and the compiler is not there', () => {
    checkout = new Checkout({ compiler: false });
    expect(checkout.npm('start', REFUSED).stderr).toMatch(REFUSAL);

    checkout.change('src/main.ts');
    const older = checkout.npm('start', REFUSED);
    expect(older.status).toBe(1);
    expect(older.stderr.trim()).toBe(
      'The build of Scimify in dist is older than src, and the compiler is not installed. ' +
        'Run "npm ci --include=dev && npm run build" and start again.',
    );

    checkout.delete('dist');
    const missing = checkout.npm('run secrets:rotate', REFUSED);
    expect(missing.status).toBe(1);
    expect(missing.stderr.trim()).toMatch(/^There is no build of Scimify in dist, and the compiler .*\.$/);
  });

  it('needs no source beside it', () => {
    checkout = new Checkout({ compiler: false, leaveOut: ['src', 'simulator', 'demo', 'package-lock.json'] });
    expect(checkout.npm('start', REFUSED).stderr).toMatch(REFUSAL);
  });

  it('stays, when the source does not compile', () => {
    checkout = new Checkout();
    const { build } = checkout;
    checkout.change('src/main.ts', 'const = ;');
    const { status, stderr } = checkout.npm('start', REFUSED);
    expect(status).toBe(1);
    expect(stderr).toContain('Scimify could not be built into ');
    expect(stderr).not.toMatch(/^ +at .*build\.js/m);
    expect(checkout.build).toBe(build);
  });

  it('runs under npm, which passes on that it is to end', async () => {
    checkout = new Checkout();
    const scimify = await checkout.server('npm', 'start', '--prefix', checkout.directory);
    await scimify.start();
    expect(await scimify.stop()).toBe(0);
    await waitFor(
      'the last line',
      () => scimify.printed,
      (text) => text.includes('Scimify stopped'),
    );
  });

  it('can be made anew under a server that runs from it', async () => {
    checkout = new Checkout();
    const main = join(checkout.directory, 'dist/src/main.js');
    const scimify = await checkout.server(process.execPath, main);
    await scimify.start();
    const { build } = checkout;
    checkout.delete('src/scim');
    checkout.change('src/main.ts');
    expect(checkout.npm('run build').stderr).toBe('');
    expect(checkout.build).not.toBe(build);

    const key = readFileSync(join(checkout.data, 'admin-key'), 'utf8').trim();
    const admin = new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${key}` });
    const tenant = await admin.post('/tenants', { name: 'Acme' });
    const integration = await admin.post(`/tenants/${tenant.body.id}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret: 'a-secret-key',
    });
    const { body: scimKey } = await admin.post(`/integrations/${integration.body.id}/scim-keys`, {
      name: 'Okta',
    });
    const scim = new ScimClient(`${scimify.url}/scim/v2/${integration.body.id}`, scimKey.token);
    await scim.createGroup('On-call', await scim.createUsers(['ada@example.com']));
    expect((await fetch(`${scimify.url}/api/docs`)).status).toBe(200);
    expect(await scimify.stop()).toBe(0);
  });
});
