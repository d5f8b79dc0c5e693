import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROBLEM_KINDS } from '../../src/admin-api/problem-codes';
import { Scimify } from '../support/scimify';

const DOCUMENT = readFileSync(join(__dirname, '../../docs/admin-api.md'), 'utf8');
const COMMANDS = [...DOCUMENT.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
const run = promisify(execFile);

describe('the walk through the admin API', () => {
  let scimify: Scimify;
  let directory: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    directory = mkdtempSync(join(tmpdir(), 'scimify-walk-'));
  });

  afterEach(async () => {
    await scimify.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('does what it says when its commands are run as they stand there, and writes nothing where they are run', async () => {
    scimify.pagerDuty.addUser({ email: 'ada@example.com' });
    const script = ['set -euo pipefail', ...COMMANDS].join('\n');
    const { stdout } = await run('bash', ['-c', script], {
      cwd: mkdtempSync(join(directory, 'here-')),
      timeout: 60_000,
      env: {
        PATH: process.env.PATH ?? '',
        TMPDIR: mkdtempSync(join(directory, 'temporary-')),
        SCIMIFY: scimify.url,
        ADMIN_KEY: scimify.adminKey,
        PAGERDUTY_API_KEY: scimify.pagerDuty.addApiKey(),
        MEMBER_EMAIL: 'ada@example.com',
      },
    });

    expect(COMMANDS.length).toBeGreaterThan(8);
    for (const printed of [
      'pagerduty',
      'passed: ',
      'create Platform on-call: 1 to add',
      'enabled',
      'https://',
      'ada@example.com: applied',
      'SCIMIFY_ADMIN_KEY: tenant.created',
      'provisioning: team.created',
      'release',
    ]) {
      expect(stdout).toContain(printed);
    }
    expect(stdout).not.toContain('failed: ');
    const written = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(directory, file)).isFile(),
    );
    expect(written).toEqual([expect.stringMatching(/^temporary-.*\/audit\.ndjson$/)]);
    expect(readFileSync(join(directory, written[0]!), 'utf8')).toContain('"action":"team_member.added"');
    expect(scimify.teams()).toEqual({ 'Platform on-call': ['ada@example.com'] });
  }, 90_000);
});

const SOURCES = join(__dirname, '../../src');
/** The code of the product, except files that only document codes. */
const said = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/\.spec\.ts$|problem-codes\.ts$|^open-api/.test(file))
  .map((file) => readFileSync(join(SOURCES, file), 'utf8').replace(/ApiProblems\([^)]*\)/g, ''))
  .join('\n');

describe('the list of problem codes', () => {
  const rows = [...DOCUMENT.matchAll(/^\| `(\w+)` +\| (\d+) +\| (.+?) +\| (.+?) +\|$/gm)].map(
    ([, ...cells]) => cells,
  );
  const codes = Object.keys(PROBLEM_KINDS);

  it('has every code, once, with its status and what it means', () => {
    const known = Object.entries(PROBLEM_KINDS).map(([code, { status, meaning }]) => [
      code,
      String(status),
      meaning,
    ]);
    expect(rows.map(([code, status, meaning]) => [code, status, meaning])).toEqual(known);
  });

  it('says of each what to do', () => {
    expect(rows.map(([, , , todo]) => todo?.trim()).filter((todo) => !todo)).toEqual([]);
  });

  // The compiler checks the other direction: the code throws only codes of this list.
  it.each(codes)('has none that is never answered: %s', (code) => {
    expect(said).toContain(`'${code}'`);
  });
});
