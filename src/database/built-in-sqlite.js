'use strict';

/**
 * `node:sqlite`, undefined where the runtime lacks it (Node 20). Node 22 warns at each start that it is an experiment, of which an
 * operator can make nothing: what it does is tested with each of our versions.
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
