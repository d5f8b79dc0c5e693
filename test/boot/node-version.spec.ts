import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUPPORTED, isSupported } from '../../bin/node-version';
import { engines } from '../../package.json';
import { read } from '../docs/documents';

const PACKAGES: Record<string, { engines?: { node?: string }; optional?: boolean }> = JSON.parse(
  read('package-lock.json'),
).packages;

const ROOT = join(__dirname, '../..');

/** Pretends to be an old Node.js, and refuses to load any module except the check of the version. */
const OLD_NODE = `
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });
  const Module = require('node:module');
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    if (!isMain && !request.includes('node-version')) throw new Error('Loaded too early: ' + request);
    return load.apply(this, arguments);
  };
`;

describe('the version of Node.js', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-node-'));
    writeFileSync(join(directory, 'old-node.js'), OLD_NODE);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    'bin/run.js src/main.js',
    'bin/run.js demo/main.js',
    'bin/build.js',
    'dist/src/main.js',
    'dist/src/commands/rotate-secrets.js',
    'dist/src/commands/run-migrations.js',
    'dist/src/commands/backup.js',
  ])('is refused by %s in one sentence, before anything else is loaded', (program) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', join(directory, 'old-node.js'), ...program.split(' ')],
      { cwd: ROOT, env: { PATH: process.env.PATH ?? '' }, encoding: 'utf8', timeout: 30_000 },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr:
        `Scimify needs Node.js ${engines.node}, but this is 18.20.4. ` +
        'Install a supported version, for example from https://nodejs.org, and start again.\n',
    });
  });

  it.each([
    [true, ['20.19.0', '20.20.2', '22.13.0', '22.21.1', '24.11.0', '25.0.0', '26.1.0']],
    [false, ['18.20.4', '20.18.3', '21.7.0', '22.12.0', '23.11.0', '24.10.0', '8.17.0', '0.12.18']],
  ])('is one of those that run: %s', (supported, versions) => {
    expect(versions.filter((version) => isSupported(version) === supported)).toEqual(versions);
  });

  it('is the same in package.json, in the lockfile, in the documents and at start', () => {
    expect(SUPPORTED).toBe(engines.node);
    expect(PACKAGES['']?.engines).toEqual(engines);
    for (const document of ['README.md', 'CONTRIBUTING.md']) {
      expect(read(document)).toContain(`\`${engines.node}\``);
    }
  });

  it('is refused by no package where it is not refused by us', () => {
    const { satisfies } = createRequire(require.resolve('@jest/core'))('semver');
    const least = engines.node.split(' || ').map((range) => `${range.replace(/^\D+/, '')}.0`);
    const refusing = Object.entries(PACKAGES)
      .filter(([, { optional }]) => !optional)
      .filter(([, { engines }]) => least.some((version) => !satisfies(version, engines?.node ?? '*')))
      .map(([path, { engines }]) => `${path} wants ${engines?.node}`);
    expect(refusing).toEqual([]);
  });
});

describe('the installation', () => {
  it('runs no script of a package, and refuses a Node.js that a package refuses', () => {
    const settings = read('.npmrc')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'));
    expect(settings.sort()).toEqual(['engine-strict=true', 'ignore-scripts=true']);
  });

  it('leaves no command with a script before or after it, which npm would not run', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const names = Object.keys(scripts);
    expect(
      names.filter((name) => names.some((other) => [`pre${other}`, `post${other}`].includes(name))),
    ).toEqual([]);
  });
});
