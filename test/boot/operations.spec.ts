import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Simulator, startSimulator } from '../../simulator/simulator';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { type SetUp, adminOf, scimOf, setUp } from '../support/installation';
import { ScimifyProcess } from '../support/scimify-process';
import { HttpClient } from '../support/http';
import { ScimClient } from '../support/scim-client';
import { waitFor } from '../support/wait';

jest.setTimeout(120_000);

const ROOT = join(__dirname, '../..');
const BACKUP_PROGRAM = join(ROOT, 'dist/src/commands/backup.js');
const onMysql = process.env.DATABASE_URL?.startsWith('mysql:') ?? false;
/** Tests that do not depend on the database run once. */
const itOfSqlite = onMysql ? it.skip : it;
const hasClient = spawnSync('mysqldump', ['--version']).status === 0;

const DOCUMENT = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
/** The document's code blocks in this language, unchanged and in order. A block inside a list is indented. */
const blocks = (language: string) =>
  [...DOCUMENT.matchAll(/^( *)```(.+)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, , its]) => its === language)
    .map(([, indent, , block]) => block!.replace(new RegExp(`^${indent}`, 'gm'), ''));

const ADMIN_KEY = 'operations-admin-key-0123456789-0123';
const ENCRYPTION_KEY = Buffer.alloc(32, 'operations').toString('base64');

describe('operating an installation', () => {
  let directory: string;
  let database: TestDatabase;
  let restored: TestDatabase;
  let pagerDuty: Simulator;
  let running: ScimifyProcess | null;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-operations-'));
    database = await createTestDatabase();
    restored = await createTestDatabase();
    pagerDuty = await startSimulator({ rateLimit: 100_000 });
    running = null;
  });

  afterEach(async () => {
    await running?.stop();
    await pagerDuty.close();
    await database.remove();
    await restored.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const sqliteUrl = () => `sqlite:${join(directory, 'scimify.sqlite')}`;
  const environment = (url: string): Record<string, string> => ({
    DATABASE_URL: url,
    SCIMIFY_DATA_DIR: directory,
    SCIMIFY_PUBLIC_URL: 'https://scimify.example',
    SCIMIFY_ADMIN_KEY: ADMIN_KEY,
    SCIMIFY_ENCRYPTION_KEY: ENCRYPTION_KEY,
    SCIMIFY_LOG_LEVEL: 'warn',
    PAGERDUTY_API_URL: pagerDuty.url,
    PAGERDUTY_IDENTITY_URL: pagerDuty.url,
  });

  const start = async (env: Record<string, string>) => {
    running = await ScimifyProcess.create(env);
    await running.start();
    return running;
  };

  /** Runs a command exactly as the document has it. */
  const run = async (command: string, env: Record<string, string>) => {
    const { PATH = '', HOME = '' } = process.env;
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: ROOT,
      timeout: 60_000,
      env: { PATH, HOME, ...env },
    });
    return stdout;
  };

  /** Starts the command that does not end. */
  const serve = async (command: string, env: Record<string, string>, port: number): Promise<ChildProcess> => {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn('bash', ['-c', command], {
      cwd: ROOT,
      env: { PATH, HOME, ...env, PORT: String(port) },
      detached: true,
      stdio: 'ignore',
    });
    await waitFor(
      'the restored installation to be ready',
      () =>
        fetch(`http://127.0.0.1:${port}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
      60_000,
    );
    return child;
  };

  const members = () => pagerDuty.team('On-call')?.members.map(({ email }) => email) ?? [];

  /** Ada is on call when the backup is made. Bo replaces her afterwards. */
  const liveThrough = async (scimify: ScimifyProcess, backUp: () => Promise<unknown>): Promise<SetUp> => {
    for (const name of ['ada', 'bo']) pagerDuty.addUser({ email: `${name}@example.com` });
    const made = await setUp(adminOf(scimify, ADMIN_KEY), pagerDuty.addApiKey());
    const scim = scimOf(scimify, made.integrationId, made.scimKey);
    const [ada, bo] = await scim.createUsers(['ada@example.com', 'bo@example.com']);
    const group = await scim.createGroup('On-call', [ada!]);
    await waitFor('ada to join', members, (emails) => emails.join() === 'ada@example.com');
    await backUp();
    await scim.addMembers(group, bo!);
    await scim.removeMembers(group, ada!);
    await waitFor('bo to stand in for her', members, (emails) => emails.join() === 'bo@example.com');
    return made;
  };

  const writes = () => pagerDuty.calls().filter(({ method }) => method !== 'GET').length;

  /**
   * The restored installation writes nothing at first. It receives what has changed since, and continues from
   * there.
   */
  const expectItToWait = async (commands: string[], env: Record<string, string>, made: SetUp) => {
    const [startPaused, showPlan, enable] = commands as [string, string, string];
    const { port } = await ScimifyProcess.create({});
    pagerDuty.clearCalls();
    const child = await serve(startPaused, env, port);
    try {
      const variables = {
        SCIMIFY: `http://127.0.0.1:${port}`,
        INTEGRATION: made.integrationId,
        ADMIN_KEY,
      };
      const scim = new ScimClient(`${variables.SCIMIFY}/scim/v2/${made.integrationId}`, made.scimKey);
      const { body: users } = await scim.get(`/Users?filter=${encodeURIComponent('userName sw "bo"')}`);
      const { body: groups } = await scim.get('/Groups');
      const [group] = groups.Resources;
      const again = { displayName: 'On-call', members: [{ value: users.Resources[0].id }] };
      expect((await scim.put(`/Groups/${group.id}`, again)).status).toBe(200);
      const plan = JSON.parse(await run(showPlan, variables));
      expect(plan.groups).toMatchObject([{ displayName: 'On-call' }]);
      expect(writes()).toBe(0);

      expect(JSON.parse(await run(enable, variables))).toMatchObject({ mode: 'enabled' });
      const admin = new HttpClient(`${variables.SCIMIFY}/api/v1`, { Authorization: `Bearer ${ADMIN_KEY}` });
      await waitFor(
        'the group to be in step',
        async () =>
          (await admin.get(`/integrations/${made.integrationId}/groups/${group.id}`)).body.state as string,
        (state) => state === 'synced',
        // On MySQL the lease of the process that ran during the backup has to end first.
        60_000,
      );
      expect(members()).toEqual(['bo@example.com']);
    } finally {
      const ended = once(child, 'exit');
      process.kill(-child.pid!, 'SIGTERM');
      await ended;
    }
  };

  itOfSqlite('does what docs/operations.md says when its commands are run as they stand there', async () => {
    const [backUp, putAside, putBack, ...commands] = blocks('bash') as [string, string, string, ...string[]];
    const migrate = commands.pop()!;
    const env = { ...environment(sqliteUrl()), BACKUP: join(directory, "the operator's backup.sqlite") };
    const scimify = await start({ ...env, SCIMIFY_NEW_DATABASE: 'true' });
    let said = '';
    const made = await liveThrough(scimify, async () => (said = await run(backUp, env)));
    expect(said).toContain('the encryption key in SCIMIFY_ENCRYPTION_KEY');
    await scimify.stop();

    await run(putAside, env);
    expect(existsSync(join(directory, 'scimify.sqlite'))).toBe(false);
    expect(existsSync(join(directory, 'replaced/scimify.sqlite'))).toBe(true);
    await run(putBack, env);
    await expectItToWait(commands, env, made);
    expect(await run(migrate, env)).toContain('up to date already');
  });

  (onMysql && hasClient ? it : it.skip)('does what it says of MySQL, too', async () => {
    const [backUp, restore] = blocks('bash mysql') as [string, string];
    const commands = blocks('bash').slice(3, -1);
    const { hostname, port, username } = new URL(database.url);
    writeFileSync(
      join(directory, '.my.cnf'),
      `[client]\nhost=${hostname}\nport=${port || 3306}\nuser=${username}\nprotocol=tcp\n`,
    );
    const nameOf = ({ url }: TestDatabase) => new URL(url).pathname.slice(1);
    const variables = { HOME: directory, BACKUP: join(directory, 'backup.sql') };
    const scimify = await start({ ...environment(database.url), SCIMIFY_NEW_DATABASE: 'true' });
    const made = await liveThrough(scimify, () => run(backUp, { ...variables, DATABASE: nameOf(database) }));
    await scimify.stop();
    expect(statSync(variables.BACKUP).mode & 0o777).toBe(0o600);

    await run(restore, { ...variables, DATABASE: nameOf(restored) });
    await expectItToWait(commands, environment(restored.url), made);
  });

  const backUpWith = (file: string | undefined, env: Record<string, string>) =>
    spawnSync(process.execPath, [BACKUP_PROGRAM, ...(file === undefined ? [] : [file])], {
      env: { PATH: process.env.PATH ?? '', ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });

  itOfSqlite('copies a database that is being written to, without disturbing who writes', async () => {
    const env = environment(sqliteUrl());
    const scimify = await start({ ...env, SCIMIFY_NEW_DATABASE: 'true' });
    const made = await setUp(adminOf(scimify, ADMIN_KEY), pagerDuty.addApiKey());
    const scim = scimOf(scimify, made.integrationId, made.scimKey);
    const enough = new AbortController();
    let created = 0;
    const writing = (async () => {
      while (!enough.signal.aborted) {
        const answer = await scim.post('/Users', { userName: `user-${created}@example.com` });
        expect(answer.status).toBe(201);
        created += 1;
      }
    })();
    await waitFor(
      'writes to be under way',
      () => created,
      (count) => count > 20,
    );
    const copies: { file: string; least: number; most: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const file = join(directory, `copy-${round}`);
      const least = created;
      await run(`"${process.execPath}" "${BACKUP_PROGRAM}" "${file}"`, env);
      copies.push({ file, least, most: created + 1 });
    }
    enough.abort();
    await writing;
    // The first process still has the database for itself.
    const second = spawnSync(process.execPath, [join(ROOT, 'dist/src/main.js')], {
      env: { PATH: process.env.PATH ?? '', PORT: '0', ...env },
      encoding: 'utf8',
    });
    expect(second.stderr).toContain('Another Scimify process');
    await scimify.stop();

    for (const { file, least, most } of copies) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const copy = await start({ ...env, DATABASE_URL: `sqlite:${file}`, SCIMIFY_START_PAUSED: 'true' });
      const { body } = await scimOf(copy, made.integrationId, made.scimKey).get('/Users?count=0');
      expect(body.totalResults).toBeGreaterThanOrEqual(least);
      expect(body.totalResults).toBeLessThanOrEqual(most);
      await copy.stop();
    }
  });

  itOfSqlite('names the keys that belong to a backup, and shows none', async () => {
    const older = Buffer.alloc(32, 'older').toString('base64');
    const env = environment(sqliteUrl());
    const scimify = await start({ ...env, SCIMIFY_ENCRYPTION_KEY: older, SCIMIFY_NEW_DATABASE: 'true' });
    await setUp(adminOf(scimify, ADMIN_KEY), pagerDuty.addApiKey());
    await scimify.stop();
    const named = (file: string, keys: string) => {
      const { status, stdout, stderr } = backUpWith(join(directory, file), {
        ...env,
        SCIMIFY_ENCRYPTION_KEY: keys,
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      for (const secret of [older, ENCRYPTION_KEY, ADMIN_KEY]) expect(stdout).not.toContain(secret);
      return stdout;
    };
    expect(named('one', older)).toContain('the encryption key in SCIMIFY_ENCRYPTION_KEY:');
    expect(named('two', `${ENCRYPTION_KEY},${older}`)).toContain(
      'the encryption key in SCIMIFY_ENCRYPTION_KEY (of its 2 keys: 2)',
    );
    expect(named('three', ENCRYPTION_KEY)).toContain('This environment does not have it');
    expect(named('four', older)).toContain('SCIMIFY_ADMIN_KEY');
  });

  itOfSqlite('overwrites nothing, and leaves nothing half done behind', async () => {
    const env = environment(sqliteUrl());
    const refused = (file: string | undefined, more: Record<string, string> = {}) => {
      const { status, stdout, stderr } = backUpWith(file, { ...env, ...more });
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr.trim().split('\n')).toHaveLength(1);
      return stderr;
    };
    const target = join(directory, 'copy');
    expect(refused(target)).toContain('There is no database');
    await (await start({ ...env, SCIMIFY_NEW_DATABASE: 'true' })).stop();

    expect(refused(undefined)).toContain('npm run backup -- FILE');
    writeFileSync(target, 'precious');
    expect(refused(target)).toContain('does not overwrite it');
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(refused(join(directory, 'scimify.sqlite'))).toContain('does not overwrite it');
    expect(refused(join(directory, 'missing/copy'))).toContain('cannot be created');
    expect(refused(target, { DATABASE_URL: 'mysql://root@127.0.0.1:1/none' })).toContain('mysqldump');

    const damaged = join(directory, 'damaged.sqlite');
    writeFileSync(damaged, Buffer.alloc(8192, 'no database'));
    mkdirSync(join(directory, 'out'));
    const copy = join(directory, 'out/copy');
    expect(refused(copy, { DATABASE_URL: `sqlite:${damaged}` })).toContain('was not copied');
    writeFileSync(damaged, '');
    expect(refused(copy, { DATABASE_URL: `sqlite:${damaged}` })).toContain('is empty');
    expect(existsSync(copy)).toBe(false);
    expect(existsSync(`${copy}.unfinished`)).toBe(false);
  });
});
