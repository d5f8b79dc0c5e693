import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseInUseError } from './database-errors';
import { ProcessLock } from './process-lock';

describe('the lock of a process', () => {
  let directory: string;
  let database: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'scimify-lock-'));
    database = join(directory, 'scimify.sqlite');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('belongs to one process at a time', () => {
    const held = ProcessLock.acquire(database);
    expect(() => ProcessLock.acquire(database)).toThrow(DatabaseInUseError);
    held.release();
    ProcessLock.acquire(database).release();
  });

  it('does not name another process when it fails for another reason', () => {
    writeFileSync(`${database}.lock`, 'no database'.repeat(100));
    expect(() => ProcessLock.acquire(database)).toThrow(
      `${database}.lock cannot be used: file is not a database`,
    );
  });
});
