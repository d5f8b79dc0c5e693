'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { builtInSqlite } = require('./built-in-sqlite.js');

// The caller passes the path of the package, which a thread may not find by itself.
const { DatabaseSync } = builtInSqlite() ?? require(workerData.sqlite);

const database = new DatabaseSync(workerData.database);

parentPort.on('message', (message) => {
  if (message === 'end') {
    database.close();
    parentPort.close();
    return;
  }
  try {
    // It leaves what the writer and the readers still need for the next time.
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    parentPort.postMessage(null);
  } catch (error) {
    parentPort.postMessage({ message: error.message, errcode: error.errcode });
  }
});
