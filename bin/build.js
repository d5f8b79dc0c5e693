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

/** The sources and the output directory of each build. The benchmark is separate, because it uses the product from outside. */
const BUILDS = {
  product: { compiles: ['src', 'simulator', 'demo', 'ormconfig.ts', 'bin/node-version.js'], into: 'dist' },
  bench: { compiles: ['src', 'simulator', 'test', 'bench', 'bin/node-version.js'], into: 'dist-bench' },
};
/** Other files that a build depends on. */
const MADE_WITH = ['.swcrc', 'package.json', 'package-lock.json'];
/** File in the output directory with the fingerprint of each source. */
const RECORD = 'build.json';

/** There is no usable build. The message says why and what to do. */
class BuildError extends Error {}

/**
 * Builds if the build is missing or older than its source, and the compiler is installed.
 *
 * @throws BuildError
 */
function ensureBuild(name) {
  const why = whyStale(BUILDS[name]);
  if (why === null) return;
  if (compiler() === null) {
    throw new BuildError(
      `${why}, and the compiler is not installed. Run "npm ci --include=dev && npm run build" and start again.`,
    );
  }
  process.stderr.write(`${why}. Building it now.\n`);
  build(name);
}

/**
 * Compiles into a temporary directory, which then replaces the current build. A process that runs from the current build
 * is not affected: it has loaded all of it into memory.
 *
 * @throws BuildError
 */
function build(name) {
  const swc = compiler();
  if (swc === null) throw new BuildError('The compiler is not installed. Run "npm ci --include=dev".');
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

/** Keeps the build of another process that finishes at the same time: it is the same. */
function takePlace(output, place, old) {
  if (existsSync(place)) renameSync(place, old);
  try {
    renameSync(output, place);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

/** @returns the beginning of a sentence; null if the build matches its source. Missing sources are not compared. */
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

/** Hashes contents, not modification times, because a checkout or a copy changes these. */
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

/** From package.json, only the version gets into a build. */
function contentOf(file) {
  const content = readFileSync(join(ROOT, file));
  return file === 'package.json' ? String(JSON.parse(content).version) : content;
}

/** The path of the compiler; null if only production dependencies are installed. */
function compiler() {
  try {
    require.resolve('@swc/core');
    return require.resolve('@swc/cli/bin/swc.js');
  } catch {
    return null;
  }
}

/** Runs `make`. On a BuildError it prints the message and exits. */
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

// `npm run build` always builds, even if the build is current.
if (require.main === module) orEnd(() => build('product'));
