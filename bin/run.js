'use strict';

require('./node-version.js');

/**
 * `node bin/run.js PROGRAM [ARGUMENT…]` runs the built program in this process, so that it gets the signals. It builds
 * first if the build is missing or older than its source.
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
