'use strict';

require('./node-version.js');

const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');

/** What is compiled, and into which directory. The benchmark drives the product from outside, and stands apart from it. */
const BUILDS = {
  product: { compiles: ['src', 'simulator', 'demo', 'ormconfig.ts', 'bin/node-version.js'], into: 'dist' },
  bench: { compiles: ['src', 'simulator', 'test', 'bench', 'bin/node-version.js'], into: 'dist-bench' },
};
/** Of what a build was made, beside what it compiles. */
const MADE_WITH = ['.swcrc', 'package.json', 'package-lock.json'];
/** In the directory of a build: the fingerprint of each thing that it was made of. */
const RECORD = 'build.json';

/** Why there is no build; the sentence says what to do. */
class BuildError extends Error {}

/**
 * Makes a build that is missing or older than its source, where the compiler is.
 *
 * @throws BuildError
 */
function ensureBuild(name) {
  const why = whyStale(BUILDS[name]);
  if (why === null) return;
  if (compiler() === null) {
    throw new BuildError(
      `${why}, and the compiler is not installed here: run "npm ci --include=dev && npm run build" and start again.`,
    );
  }
  process.stderr.write(`${why}: it is made now.\n`);
  build(name);
}

/**
 * Compiles into a directory beside, which then takes the place of the build that is there. A process that runs from that one
 * has all of it in memory.
 *
 * @throws BuildError
 */
function build(name) {
  const swc = compiler();
  if (swc === null) throw new BuildError('The compiler is not installed here: run "npm ci --include=dev".');
  const { compiles, into } = BUILDS[name];
  let beside;
  try {
    beside = mkdtempSync(join(ROOT, `.${into}-`));
    const record = fingerprints(compiles);
    const output = join(beside, 'new');
    execFileSync(process.execPath, [swc, ...compiles, '--out-dir', output, '--quiet'], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    writeFileSync(join(output, RECORD), `${JSON.stringify(record, null, 2)}\n`);
    takePlace(output, join(ROOT, into), join(beside, 'old'));
  } catch (error) {
    throw new BuildError(`Scimify could not be built into ${join(ROOT, into)}: ${error.message}`);
  } finally {
    if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
  }
}

/** Another build that ends at the same time is as good as this one. */
function takePlace(output, place, old) {
  if (existsSync(place)) renameSync(place, old);
  try {
    renameSync(output, place);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

/** @returns the beginning of a sentence, null for a build that is as its source. What is not there is not compared. */
function whyStale({ compiles, into }) {
  const record = join(ROOT, into, RECORD);
  if (!existsSync(record)) return `There is no build of Scimify in ${into}`;
  const built = JSON.parse(readFileSync(record, 'utf8'));
  const now = fingerprints(compiles);
  const changed = Object.keys(now).filter((part) => now[part] !== built[part]);
  if (changed.length === 0) return null;
  return `The build of Scimify in ${into} is older than ${changed.join(' and ')}`;
}

function fingerprints(compiles) {
  return Object.fromEntries(
    [...compiles, ...MADE_WITH]
      .filter((part) => existsSync(join(ROOT, part)))
      .map((part) => [part, fingerprint(part)]),
  );
}

/** Of contents and not of times, which a checkout or a copy changes. */
function fingerprint(part) {
  const hash = createHash('sha256');
  for (const file of filesOf(part)) hash.update(`${file}\0`).update(contentOf(file)).update('\0');
  return hash.digest('hex');
}

function filesOf(part) {
  if (!statSync(join(ROOT, part)).isDirectory()) return [part];
  return readdirSync(join(ROOT, part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .sort();
}

/** Nothing of package.json but the version gets into a build. */
function contentOf(file) {
  const content = readFileSync(join(ROOT, file));
  return file === 'package.json' ? String(JSON.parse(content).version) : content;
}

/** The path of the compiler's program, null where only what runs is installed. */
function compiler() {
  try {
    require.resolve('@swc/core');
    return require.resolve('@swc/cli/bin/swc.js');
  } catch {
    return null;
  }
}

/** Does this, or ends the process with the sentence of a BuildError. */
function orEnd(make) {
  try {
    make();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

module.exports = { BUILDS, ensureBuild, orEnd };

// `npm run build`: whether there is one or not.
if (require.main === module) orEnd(() => build('product'));
