'use strict';

/**
 * `node:sqlite`, undefined where the runtime lacks it (Node 20). Node 22 warns at each start that it is
 * experimental. An operator can do nothing about that, and tests cover it on each of our versions.
 */
exports.builtInSqlite = () => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
};
