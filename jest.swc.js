const { readFileSync } = require('node:fs');
const { join } = require('node:path');

// The build excludes specs. Jest compiles them, with all other options the same.
const swcrc = JSON.parse(readFileSync(join(__dirname, '.swcrc'), 'utf8'));
delete swcrc.exclude;
delete swcrc.$schema;
module.exports = { ...swcrc, swcrc: false };
