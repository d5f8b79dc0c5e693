import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../config/settings';
import { keepPrivate } from './private-files';
import { ProcessLock } from './process-lock';
import { Writer } from './writer';

describe('the files of a database', () => {
  let directory: string;
  let path: string;
  let umask: number;

  beforeEach(() => {
    umask = process.umask(0);
    directory = mkdtempSync(join(tmpdir(), 'scimify-files-'));
    path = join(directory, 'new', 'scimify.sqlite');
  });

  afterEach(() => {
    process.umask(umask);
    rmSync(directory, { recursive: true, force: true });
  });

  const rights = (of: string) => (statSync(of).mode & 0o777).toString(8);
  const rightsOfAll = () => ['', '-wal', '-shm', '.lock'].map((ending) => rights(`${path}${ending}`));
  const open = () =>
    Writer.open(readSettings({ SCIMIFY_DATA_DIR: directory, DATABASE_URL: `sqlite:${path}` }), []);

  it("are created for their owner only, whatever the process's umask allows", async () => {
    const writer = await open();
    await writer.transactions.run((tx) => tx.query("INSERT INTO tenant VALUES ('a', 'Acme', 1, 1, NULL)"));
    expect(rightsOfAll()).toEqual(['600', '600', '600', '600']);
    expect(rights(join(directory, 'new'))).toBe('700');
    await writer.close();
  });

  it('lose the rights of others when they already exist', async () => {
    const writer = await open();
    await writer.transactions.run((tx) => tx.query("INSERT INTO tenant VALUES ('a', 'Acme', 1, 1, NULL)"));
    for (const ending of ['', '-wal', '-shm', '.lock']) chmodSync(`${path}${ending}`, 0o664);
    for (const file of [path, `${path}.lock`]) keepPrivate(file);
    expect(rightsOfAll()).toEqual(['600', '600', '600', '600']);
    await writer.close();

    for (const ending of ['', '.lock']) chmodSync(`${path}${ending}`, 0o644);
    const again = await open();
    expect(rightsOfAll()).toEqual(['600', '600', '600', '600']);
    await again.close();
  });

  it('stay locked while their rights are checked', () => {
    const held = ProcessLock.acquire(path);
    keepPrivate(`${path}.lock`);
    expect(() => ProcessLock.acquire(path)).toThrow('Another Scimify process');
    held.release();
  });
});
