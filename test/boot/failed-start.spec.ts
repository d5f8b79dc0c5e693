import 'reflect-metadata';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/settings';
import { Writer } from '../../src/database/writer';
import { ENTITIES } from '../../src/entities';
import { describeFailure } from '../../src/failed-start';

// Each boots a process or two.
jest.setTimeout(120_000);

const DIST = join(__dirname, '../../dist/src');
const PROGRAMS = ['main', 'commands/run-migrations'];
const CHANCE = 'b3f1c0a98e7d6452b3f1c0a98e7d6452';
const KEYS = {
  SCIMIFY_ADMIN_KEY: CHANCE,
  SCIMIFY_ENCRYPTION_KEY: Buffer.from(CHANCE).toString('base64'),
};

/**
 * Root has all rights, so tests about rights run as the user `nobody`, unless only root can read Node or this
 * project.
 */
const NOBODY = 65_534;
const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const tried = spawnSync(process.execPath, [join(DIST, 'main.js')], { ...asNobody, env: { PORT: 'none' } });
const itWithoutRights = String(tried.stderr).includes('PORT must be') ? it : it.skip;

interface End {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe('a start that fails', () => {
  let directory: string;
  const open: Server[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-failed-'));
  });

  afterEach(() => {
    for (const server of open.splice(0)) server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Waits until it ends. */
  const run = async (
    env: Record<string, string>,
    program = 'main',
    user: { uid?: number; gid?: number } = {},
  ): Promise<End> => {
    const child = spawn(process.execPath, [join(DIST, `${program}.js`)], {
      env: { PATH: process.env.PATH ?? '', PORT: '0', SCIMIFY_DATA_DIR: directory, ...env },
      timeout: 60_000,
      ...user,
    });
    const end: End = { status: null, stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (end.stdout += text));
    child.stderr.on('data', (text) => (end.stderr += text));
    [end.status] = await once(child, 'close');
    return end;
  };

  const sentence = ({ status, stdout, stderr }: End): string => {
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\.\n$/);
    expect(stderr).not.toMatch(/ at |scott|tiger/);
    return stderr.trim();
  };

  const listen = async (server: Server): Promise<number> => {
    open.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  /** Speaks just enough of the protocol to refuse every client. */
  const refusingDatabase = (errno: number) => {
    const text = `#28000refused 'scott' with 'tiger'`;
    const packet = Buffer.concat([Buffer.from([0xff, errno & 0xff, errno >> 8]), Buffer.from(text)]);
    const header = Buffer.from([packet.length, 0, 0, 0]);
    return listen(
      createServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.end(Buffer.concat([header, packet]));
      }),
    );
  };

  it('names the port that is taken, and has made nothing by then', async () => {
    const port = await listen(createServer());
    const said = sentence(await run({ PORT: String(port), SCIMIFY_DATA_DIR: join(directory, 'data') }));
    expect(said).toBe(
      `Another process uses port ${port} of 127.0.0.1: stop that process, or set PORT to another port.`,
    );
    expect(() => chmodSync(join(directory, 'data'), 0o700)).toThrow('ENOENT');
  });

  it('names the host that is none of this machine', async () => {
    expect(sentence(await run({ HOST: '192.0.2.1' }))).toBe(
      'Scimify cannot listen on 192.0.2.1 (EADDRNOTAVAIL): set HOST to an address of this machine.',
    );
  });

  it.each([...PROGRAMS, 'commands/rotate-secrets'])(
    'says of a database server that does not answer what to mend: %s',
    async (program) => {
      const end = await run({ ...KEYS, DATABASE_URL: 'mysql://scott:tiger@127.0.0.1:1/scimify' }, program);
      expect(sentence(end)).toBe(
        'The database server of DATABASE_URL does not answer (ECONNREFUSED): start it, or correct its host and port in DATABASE_URL.',
      );
    },
  );

  it.each([
    ['a login', 1045, 'refuses the user or the password of DATABASE_URL (ER_ACCESS_DENIED_ERROR)'],
    ['a database', 1049, 'does not know the database of DATABASE_URL (ER_BAD_DB_ERROR)'],
    ['a right', 1044, 'The user of DATABASE_URL lacks a right on the database that Scimify needs'],
    ['one more connection', 1040, 'accepts no more connections (ER_CON_COUNT_ERROR)'],
    ['writes', 1290, 'accepts no writes'],
    ['whatever else', 1064, 'refuses a statement (ER_PARSE_ERROR)'],
  ])(
    'says of a database server that refuses %s what to mend, and cites nothing of it',
    async (_, errno, words) => {
      const port = await refusingDatabase(errno);
      const settings = readSettings({
        ...KEYS,
        DATABASE_URL: `mysql://scott:tiger@127.0.0.1:${port}/scimify`,
      });
      const failure: unknown = await Writer.open(settings, ENTITIES).catch((error) => error);
      const said = describeFailure(failure, settings);
      expect(said).toContain(words);
      expect(said).not.toMatch(/scott|tiger|\n/);
    },
  );

  it.each(PROGRAMS)('names the file of a database that is damaged: %s', async (program) => {
    const file = join(directory, 'other.sqlite');
    writeFileSync(file, 'no database '.repeat(1_000));
    expect(sentence(await run({ DATABASE_URL: `sqlite:${file}` }, program))).toBe(
      `The database file ${file} is damaged or not a SQLite database: replace it with a backup, or name another file in DATABASE_URL.`,
    );
  });

  it('names the file of a database of which a part is missing, or that stands in a directory', async () => {
    expect((await run({}, 'commands/run-migrations')).status).toBe(0);
    const file = join(directory, 'scimify.sqlite');
    truncateSync(file, 4_096 * 5);
    expect(sentence(await run({}))).toMatch(`The database file ${file} is damaged`);

    expect(sentence(await run({ DATABASE_URL: `sqlite:${directory}` }))).toBe(
      `${directory} is a directory: name a file in DATABASE_URL, e.g. sqlite:${directory}/scimify.sqlite.`,
    );
  });

  itWithoutRights.each(PROGRAMS)(
    'names the file that may not be written, and the directory: %s',
    async (program) => {
      const file = join(directory, 'scimify.sqlite');
      expect((await run({}, 'commands/run-migrations')).status).toBe(0);
      writeFileSync(join(directory, 'encryption-key'), `${KEYS.SCIMIFY_ENCRYPTION_KEY}\n`);
      for (const name of ['', 'encryption-key', 'scimify.sqlite.lock', 'scimify.sqlite']) {
        if (asNobody.uid !== undefined) chownSync(join(directory, name), NOBODY, NOBODY);
      }
      chmodSync(file, 0o400);
      expect(sentence(await run({}, program, asNobody))).toBe(
        `${file} cannot be used (EACCES): give Scimify's user the right to read and write there, or name another place in SCIMIFY_DATA_DIR.`,
      );

      const closed = join(directory, 'closed');
      mkdirSync(closed, { mode: 0o555 });
      expect(
        sentence(await run({ ...KEYS, SCIMIFY_DATA_DIR: join(closed, 'data') }, program, asNobody)),
      ).toBe(
        `${closed}/data cannot be used (EACCES): give Scimify's user the right to read and write there, or name another place in SCIMIFY_DATA_DIR.`,
      );
    },
  );

  it('names the file of a generated key that holds none', async () => {
    const file = join(directory, 'encryption-key');
    writeFileSync(file, 'shortened\n');
    expect(sentence(await run({}))).toContain(
      `The file ${file} holds no encryption key (32 bytes in base64)`,
    );
  });

  it('warns at a terminal of a setting that there is not', async () => {
    const { stderr } = await run({ SCIMIFY_DATA_DIRECTORY: 'secret' }, 'commands/run-migrations');
    expect(stderr).toBe(
      'SCIMIFY_DATA_DIRECTORY is not a setting of Scimify and has no effect. Did you mean SCIMIFY_DATA_DIR?\n',
    );
  });
});
