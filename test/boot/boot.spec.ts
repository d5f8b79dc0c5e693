import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../package.json';
import { VERSION } from '../../src/config/version';
import { HttpClient } from '../support/http';
import { ScimifyProcess } from '../support/scimify-process';

// Each boots a process or two.
jest.setTimeout(120_000);

const MAIN = join(__dirname, '../../dist/src/main.js');
const KEY = Buffer.alloc(32, 1).toString('base64');

describe('booting', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-boot-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const boot = (env: Record<string, string>) =>
    spawnSync(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH ?? '', SCIMIFY_DATA_DIR: directory, PORT: '0', ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });

  it('lists everything that is wrong with the settings at once and exits 1', () => {
    const { status, stderr } = boot({
      PORT: 'http',
      DATABASE_URL: 'postgres://db',
      SCIMIFY_PUBLIC_URL: 'https://scim_ify.example.com',
      SCIMIFY_ENCRYPTION_KEY: 'too-short',
      SCIMIFY_ADMIN_KEY: 'short',
      SCIMIFY_START_PAUSED: 'perhaps',
      PAGERDUTY_API_URL: 'ftp://pagerduty',
      PAGERDUTY_PARALLEL_CALLS: '17',
    });
    expect(status).toBe(1);
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'SCIMIFY_PUBLIC_URL',
      'SCIMIFY_ENCRYPTION_KEY',
      'SCIMIFY_ADMIN_KEY',
      'SCIMIFY_START_PAUSED',
      'PAGERDUTY_API_URL',
      'PAGERDUTY_PARALLEL_CALLS',
    ]) {
      expect(stderr).toContain(`- ${name} `);
    }
    expect(stderr).not.toContain('too-short');
    expect(stderr).not.toMatch(/at .*\.js:/);
  });

  it.each([
    ['in production', { NODE_ENV: 'production' }],
    ['with MySQL', { DATABASE_URL: 'mysql://root@127.0.0.1:1/none', HOST: '0.0.0.0' }],
  ])('makes up no keys and no address %s', (_, env) => {
    const { status, stderr } = boot(env);
    expect(status).toBe(1);
    expect(stderr).toContain('SCIMIFY_ENCRYPTION_KEY must be set');
    expect(stderr).toContain('SCIMIFY_ADMIN_KEY must be set');
    expect(stderr).toContain('SCIMIFY_PUBLIC_URL must be set');
  });

  const CHANCE = 'b3f1c0a98e7d6452b3f1c0a98e7d6452';
  const PRODUCTION = {
    NODE_ENV: 'production',
    SCIMIFY_PUBLIC_URL: 'https://scim.example.com',
    SCIMIFY_ADMIN_KEY: CHANCE,
    SCIMIFY_ENCRYPTION_KEY: Buffer.from(CHANCE).toString('base64'),
  };
  const MONOTONOUS = Buffer.alloc(32).toString('base64');

  it.each([
    ['one character', 'SCIMIFY_ADMIN_KEY', 'a'.repeat(32)],
    ['two characters', 'SCIMIFY_ADMIN_KEY', 'ab'.repeat(32)],
    ['one byte', 'SCIMIFY_ENCRYPTION_KEY', MONOTONOUS],
  ])('refuses in production a secret of %s (%#)', (_, name, value) => {
    const { status, stderr } = boot({ ...PRODUCTION, [name]: value });
    expect(status).toBe(1);
    expect(stderr.match(/^ {2}- .*/gm)).toEqual([expect.stringContaining(`- ${name} must be random`)]);
    expect(stderr).not.toContain(value);
  });

  it('lets an encryption key of one byte be left behind, also in production', () => {
    const env = {
      ...PRODUCTION,
      SCIMIFY_ENCRYPTION_KEY: `${PRODUCTION.SCIMIFY_ENCRYPTION_KEY},${MONOTONOUS}`,
    };
    // The invalid port is the only error.
    const { stderr } = boot({ ...env, PORT: 'http' });
    expect(stderr.match(/^ {2}- .*/gm)).toEqual([expect.stringContaining('- PORT ')]);
  });

  it('refuses a user name or a password in the public URL', () => {
    const { status, stderr } = boot({ SCIMIFY_PUBLIC_URL: 'https://me:my-password@scim.example.com' });
    expect(status).toBe(1);
    expect(stderr).toContain('- SCIMIFY_PUBLIC_URL must not contain a user name or a password');
    expect(stderr).not.toContain('my-password');
  });

  it('warns of a data directory that others may read, and keeps its files from them', async () => {
    chmodSync(directory, 0o755);
    const scimify = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory });
    await scimify.start();
    const warnings = scimify.printed.split('\n').filter((line) => line.includes('chmod 700'));
    expect(warnings).toEqual([expect.stringContaining(`Run: chmod 700 '${directory}'`)]);
    for (const ending of ['', '-wal', '-shm', '.lock']) {
      expect(statSync(join(directory, `scimify.sqlite${ending}`)).mode & 0o777).toBe(0o600);
    }
    await scimify.stop();

    chmodSync(directory, 0o700);
    const closed = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory });
    await closed.start();
    expect(closed.printed).not.toContain('chmod');
    await closed.stop();
  });

  it('makes a platform key at first boot that works, in a file of its owner alone, and never logs it', async () => {
    const scimify = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory });
    await scimify.start();
    const key = readFileSync(join(directory, 'admin-key'), 'utf8').trim();
    expect(statSync(join(directory, 'admin-key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'encryption-key')).mode & 0o777).toBe(0o600);
    const admin = new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${key}` });
    expect((await admin.get('/tenants')).status).toBe(200);
    expect(scimify.printed).not.toContain(key);
    expect(await scimify.stop()).toBe(0);

    await scimify.start();
    expect(readFileSync(join(directory, 'admin-key'), 'utf8').trim()).toBe(key);
    expect((await admin.get('/tenants')).status).toBe(200);
    expect(await scimify.stop()).toBe(0);
  });

  it('keeps a second process away from the same SQLite file', async () => {
    const scimify = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory });
    await scimify.start();
    const second = boot({});
    await scimify.stop();
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('Another Scimify process');
  });

  it('says so when the encryption key is not the one that the database was written with', async () => {
    const scimify = await ScimifyProcess.create({
      SCIMIFY_DATA_DIR: directory,
      SCIMIFY_ENCRYPTION_KEY: KEY,
      SCIMIFY_NEW_DATABASE: 'true',
    });
    await scimify.start();
    const key = readFileSync(join(directory, 'admin-key'), 'utf8').trim();
    const admin = new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${key}` });
    const tenant = await admin.post('/tenants', { name: 'Acme' });
    const created = await admin.post(`/tenants/${tenant.body.id}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret: 'a-secret-key',
    });
    expect(created.status).toBe(201);
    await scimify.stop();
    const other = boot({ SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 2).toString('base64') });
    expect(other.status).toBe(1);
    expect(other.stderr).toContain('SCIMIFY_ENCRYPTION_KEY');
  });

  it('tells the version that the package has', () => {
    expect(VERSION).toBe(version);
  });
});
