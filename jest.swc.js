const { readFileSync } = require('node:fs');
const { join } = require('node:path');

// The build leaves specs out; Jest compiles them, with every other option the same.
const swcrc = JSON.parse(readFileSync(join(__dirname, '.swcrc'), 'utf8'));
delete swcrc.exclude;
delete swcrc.$schema;
module.exports = { ...swcrc, swcrc: false };
