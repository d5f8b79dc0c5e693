import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';

// Each boots a process.
jest.setTimeout(120_000);

describe('what Scimify tells of its start and its end', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-output-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const start = async (env: Record<string, string>, lastWords: string) => {
    const scimify = await ScimifyProcess.create({ SCIMIFY_DATA_DIR: directory, ...env });
    await scimify.start();
    await waitFor(
      'the last of its start',
      () => scimify.printed,
      (text) => text.includes(lastWords),
    );
    return scimify;
  };

  it('is a line for each thing that an operator has to know, as JSON, and none of the hundred of Nest', async () => {
    const env = { SCIMIFY_DATADIR: 'elsewhere', SCIMIFY_PUBLIC_URL: 'http://scim.example.com' };
    const scimify = await start(env, 'created a platform admin key');
    expect(await scimify.stop()).toBe(0);
    const lines = scimify.printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg !== 'request');
    expect(lines).toMatchObject([
      { level: 40, msg: expect.stringContaining('Did you mean SCIMIFY_DATA_DIR?') },
      { level: 40, msg: expect.stringContaining('SCIMIFY_PUBLIC_URL is not https') },
      { level: 30, msg: 'Scimify listens', publicUrl: 'http://scim.example.com' },
      {
        level: 30,
        msg: expect.stringContaining('Scimify created a platform admin key'),
        path: `${directory}/admin-key`,
      },
      { level: 30, msg: 'Scimify finishes its current work and then stops', signal: 'SIGTERM' },
      { level: 30, msg: 'Scimify stopped', code: 0 },
    ]);
  });

  it('is for people at a terminal, with the admin key, which is shown once, below everything else', async () => {
    const fake = join(directory, 'terminal.js');
    writeFileSync(fake, 'process.stdout.isTTY = true;');
    const env = {
      NODE_OPTIONS: `--require ${fake}`,
      SCIMIFY_LOG_LEVEL: 'debug',
      SCIMIFY_DATADIR: 'elsewhere',
    };
    const first = await start(env, 'shown once');
    const key = readFileSync(join(directory, 'admin-key'), 'utf8').trim();
    const text = stripVTControlCharacters(first.printed);
    const [log, below] = text.split(/\n\n(?=Platform admin key)/);
    expect(below?.split('\n').filter((line) => line && !line.includes(' request '))).toEqual([
      `Platform admin key (shown once, also in ${directory}/admin-key):`,
      `  ${key}`,
    ]);
    expect(log).not.toContain(key);
    expect(log).toMatch(/^\d\d:\d\d:\d\d warn {2}SCIMIFY_DATADIR is not a setting/m);
    expect(log).toMatch(/^\d\d:\d\d:\d\d info {2}Scimify listens address=http:/m);
    expect(log).toMatch(/^\d\d:\d\d:\d\d debug RouterExplorer: Mapped /m);
    await first.stop();
    expect(stripVTControlCharacters(first.printed)).toMatch(/info {2}Scimify stopped code=0\n$/);

    const second = await start(env, 'Scimify listens');
    await second.stop();
    expect(second.printed).not.toMatch(/shown once/);
    expect(second.printed).not.toContain(key);
  });

  it('is, of a migration by itself, what it did', () => {
    const migrate = () =>
      spawnSync(process.execPath, [join(__dirname, '../../dist/src/commands/run-migrations.js')], {
        env: { PATH: process.env.PATH ?? '', SCIMIFY_DATA_DIR: directory },
        encoding: 'utf8',
      }).stdout;
    expect(migrate()).toMatch(/^Migrated: InitialSchema1790000000000, .*\.\n$/);
    expect(migrate()).toBe('The database was up to date already.\n');
  });
});
