import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { HttpClient } from '../support/http';
import { ScimifyProcess } from '../support/scimify-process';

// Each boots a process or two.
jest.setTimeout(120_000);

const MAIN = join(__dirname, '../../dist/src/main.js');
const onMysql = process.env.DATABASE_URL?.startsWith('mysql:') ?? false;
/** Tests that do not depend on the database run once. */
const itOfSqlite = onMysql ? it.skip : it;
const KEY = Buffer.alloc(32, 'chance').toString('base64');

describe('the database of an installation', () => {
  let directory: string;
  let database: TestDatabase;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-lost-'));
    database = await createTestDatabase();
  });

  afterEach(async () => {
    rmSync(directory, { recursive: true, force: true });
    await database.remove();
  });

  const inDirectory = (name: string) => join(directory, name);
  const adminOf = (scimify: ScimifyProcess, keyFile = inDirectory('admin-key')) =>
    new HttpClient(`${scimify.url}/api/v1`, {
      Authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}`,
    });

  const start = async (env: Record<string, string> = {}) => {
    const scimify = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory, ...env });
    await scimify.start();
    return scimify;
  };

  /** A boot that is expected to end. */
  const boot = (env: Record<string, string> = {}) =>
    spawnSync(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH ?? '', SCIMIFY_DATA_DIR: directory, PORT: '0', ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });

  itOfSqlite(
    'is one whole file after a clean stop: a copy of it alone boots with everything in it',
    async () => {
      const scimify = await start();
      const { body: tenant } = await adminOf(scimify).post('/tenants', { name: 'Acme' });
      expect(await scimify.stop()).toBe(0);
      expect(statSync(inDirectory('scimify.sqlite-wal'), { throwIfNoEntry: false })?.size ?? 0).toBe(0);

      const elsewhere = inDirectory('elsewhere');
      mkdirSync(elsewhere);
      for (const name of ['encryption-key', 'scimify.sqlite']) {
        copyFileSync(inDirectory(name), join(elsewhere, name));
      }
      const copy = await start({ SCIMIFY_DATA_DIR: elsewhere });
      expect((await adminOf(copy).get(`/tenants/${tenant.id}`)).body).toMatchObject({ name: 'Acme' });
      await copy.stop();
    },
  );

  itOfSqlite.each([
    ['is gone', (path: string) => rmSync(path)],
    ['has nothing in it', (path: string) => truncateSync(path, 0)],
  ])('is not begun anew in silence when its file %s: the boot asks', async (_, lose) => {
    const first = await start();
    const { body: tenant } = await adminOf(first).post('/tenants', { name: 'Acme' });
    await first.stop();
    const path = inDirectory('scimify.sqlite');
    const kept = inDirectory('kept');
    copyFileSync(path, kept);
    lose(path);

    for (let attempt = 0; attempt < 2; attempt++) {
      const { status, stderr } = boot();
      expect(status).toBe(1);
      expect(stderr.trim().split('\n')).toEqual([
        expect.stringMatching(/is empty, but there is an encryption key.*SCIMIFY_NEW_DATABASE=true/),
      ]);
      expect(stderr).toContain(path);
      expect(stderr).toContain(inDirectory('encryption-key'));
      expect(stderr).not.toContain(readFileSync(inDirectory('encryption-key'), 'utf8').trim());
    }
    copyFileSync(kept, path);
    const again = await start();
    expect((await adminOf(again).get(`/tenants/${tenant.id}`)).body).toMatchObject({ name: 'Acme' });
    await again.stop();

    lose(path);
    const anew = await start({ SCIMIFY_NEW_DATABASE: 'true' });
    expect(anew.printed).not.toContain('SCIMIFY_NEW_DATABASE');
    await anew.stop();
  });

  it('is begun with a given key once the operator says so, who is told to take that word away again', async () => {
    const env = {
      DATABASE_URL: database.url,
      SCIMIFY_ENCRYPTION_KEY: KEY,
      SCIMIFY_ADMIN_KEY: 'lost-database-admin-key-0123456789',
      SCIMIFY_PUBLIC_URL: 'https://scim.example.com',
    };
    const refused = boot(env);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/\(SCIMIFY_ENCRYPTION_KEY\).*SCIMIFY_NEW_DATABASE=true/);
    expect(refused.stderr).not.toContain(KEY);
    expect(refused.stderr).not.toMatch(/mysql:|root@/);

    const first = await start({ ...env, SCIMIFY_NEW_DATABASE: 'true' });
    expect(first.printed).not.toContain('SCIMIFY_NEW_DATABASE');
    await first.stop();
    const second = await start(env);
    await second.stop();
    const third = await start({ ...env, SCIMIFY_NEW_DATABASE: 'true' });
    expect(third.printed).toContain('Remove it');
    await third.stop();
  });

  itOfSqlite(
    'leaves no key behind when it could not be made, so that the next start is a first one still',
    async () => {
      writeFileSync(inDirectory('file'), '');
      expect(boot({ DATABASE_URL: `sqlite:${inDirectory('file/scimify.sqlite')}` }).status).toBe(1);
      const first = await start();
      await first.stop();
    },
  );
});
