'use strict';

/**
 * Ends the process with a message on an unsupported version of Node.js. Programs load this file first. It must also run on
 * old versions, so it loads nothing.
 */

/** The same as in package.json; a test compares the two. */
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
    `Scimify needs Node.js ${SUPPORTED}, but this is ${process.versions.node}. Install a supported version, for example from https://nodejs.org, and start again.\n`,
  );
  process.exit(1);
}

module.exports = { SUPPORTED, isSupported };
