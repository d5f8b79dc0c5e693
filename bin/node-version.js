'use strict';

/**
 * Ends the process with one sentence on a Node.js that Scimify does not run on. It is the first that a program loads, so it is
 * written for old ones too, and loads nothing.
 */

/** As in package.json; a test holds the two together. */
const SUPPORTED = '^20.19 || ^22.13 || >=24.11';

/** @param version e.g. `22.13.0` */
function isSupported(version) {
  const [major, minor] = version.split('.').map(Number);
  return SUPPORTED.split(' || ').some((range) => {
    const [, later, least, leastMinor] = /^(\^|>=)(\d+)\.(\d+)$/.exec(range);
    return (
      (major === Number(least) && minor >= Number(leastMinor)) || (later === '>=' && major > Number(least))
    );
  });
}

if (!isSupported(process.versions.node)) {
  process.stderr.write(
    `Scimify needs Node.js ${SUPPORTED}, and this is ${process.versions.node}: install one of those, e.g. from https://nodejs.org, and start again.\n`,
  );
  process.exit(1);
}

module.exports = { SUPPORTED, isSupported };
