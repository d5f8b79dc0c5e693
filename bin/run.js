'use strict';

require('./node-version.js');

/**
 * `node bin/run.js PROGRAM [ARGUMENT…]`: runs what was built of the program, in this process, so that signals reach it. A
 * build that is missing or older than its source is made first.
 */
const { join } = require('node:path');
const { BUILDS, ensureBuild, orEnd } = require('./build.js');

const [node, , program, ...rest] = process.argv;
const name = program.startsWith('bench/') ? 'bench' : 'product';
orEnd(() => {
  ensureBuild('product');
  ensureBuild(name);
});
const file = join(__dirname, '..', BUILDS[name].into, program);
process.argv = [node, file, ...rest];
require(file);
