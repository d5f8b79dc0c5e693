import 'reflect-metadata';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { readerOptions, writerOptions } from '../../src/database/data-source-options';
import { DatabaseUnavailableError } from '../../src/database/database-errors';
import { MysqlTransactionRunner } from '../../src/database/mysql-transaction-runner';
import { DatabaseSpace } from '../../src/database/room';
import { SqliteTransactionRunner } from '../../src/database/sqlite-transaction-runner';
import type { Transaction, TransactionRunner } from '../../src/database/transaction-runner';
import { WriteAheadLog } from '../../src/database/write-ahead-log';
import { ENTITIES } from '../../src/entities';
import { type TestDatabase, createTestDatabase } from '../support/database';

const onSqlite = !process.env.DATABASE_URL?.startsWith('mysql:');

describe('transactions', () => {
  let database: TestDatabase;
  let writer: DataSource;
  let reader: DataSource;
  let transactions: TransactionRunner;
  let log: WriteAheadLog | null;

  beforeAll(async () => {
    database = await createTestDatabase();
    const open = (options: DataSourceOptions) => new DataSource(options).initialize();
    writer = await open(writerOptions(database.settings, ENTITIES));
    await writer.runMigrations();
    reader = await open(readerOptions(database.settings, ENTITIES));
    const { settings } = database;
    log = settings.kind === 'sqlite' ? await WriteAheadLog.open(settings.path) : null;
    transactions = log
      ? new SqliteTransactionRunner(writer, log, new DatabaseSpace())
      : new MysqlTransactionRunner(writer, new DatabaseSpace());
  });

  afterAll(async () => {
    await reader.destroy();
    await log?.end();
    await writer.destroy();
    await database.remove();
  });

  beforeEach(() => transactions.run((tx) => tx.query('DELETE FROM tenant')));

  const insert = (tx: Transaction, id: string, name = id) =>
    tx.query('INSERT INTO tenant (id, name, createdAt, updatedAt) VALUES (?, ?, 0, 0)', [id, name]);

  const names = async () =>
    (await reader.query<{ name: string }[]>('SELECT name FROM tenant ORDER BY id')).map(({ name }) => name);

  /** Resolves when told to: lets a test hold a transaction open. */
  const gate = () => {
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    return { open, opened };
  };

  it('that overlap do not mix: one that fails takes nothing of the other with it', async () => {
    const { open, opened } = gate();
    const failing = transactions.run(async (tx) => {
      await insert(tx, 'a');
      await opened;
      throw new Error('no');
    });
    const succeeding = transactions.run((tx) => insert(tx, 'b'));
    open();
    await expect(failing).rejects.toThrow('no');
    await succeeding;
    expect(await names()).toEqual(['b']);
  });

  it('roll back what a failed statement left half done', async () => {
    await transactions.run((tx) => insert(tx, 'a'));
    const clash = transactions.run(async (tx) => {
      await insert(tx, 'b');
      await insert(tx, 'a');
    });
    await expect(clash).rejects.toThrow();
    expect(await names()).toEqual(['a']);
  });

  it('are seen by nobody before they are committed', async () => {
    const { open, opened } = gate();
    const inserted = gate();
    const pending = transactions.run(async (tx) => {
      await insert(tx, 'a');
      inserted.open();
      await opened;
    });
    await inserted.opened;
    expect(await names()).toEqual([]);
    open();
    await pending;
    expect(await names()).toEqual(['a']);
  });

  it('are refused for what is there by then, not for what may yet not be committed', async () => {
    const { open, opened } = gate();
    const before = transactions.run(() => opened);
    const first = transactions.run((tx) => insert(tx, 'a'));
    const second = transactions.run((tx) => insert(tx, 'a'));
    const seenByRefused = second.then(
      () => null,
      () => names(),
    );
    open();
    await Promise.all([before, first]);
    expect(await seenByRefused).toEqual(['a']);
  });

  it('say what happened after the commit, and only then', async () => {
    const said: string[] = [];
    await transactions.run(async (tx) => {
      tx.afterCommit(() => said.push('committed'));
      await insert(tx, 'a');
      expect(said).toEqual([]);
    });
    const failing = transactions.run(async (tx) => {
      tx.afterCommit(() => said.push('never'));
      await insert(tx, 'a');
    });
    await expect(failing).rejects.toThrow();
    expect(said).toEqual(['committed']);
  });

  it('are all there, however many callers wait at once', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => String(index).padStart(3, '0'));
    const results = await Promise.allSettled(
      ids.map((id, index) =>
        transactions.run(async (tx) => {
          await insert(tx, id);
          if (index % 3 === 0) throw new Error('no');
        }),
      ),
    );
    const kept = ids.filter((_, index) => index % 3 !== 0);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(kept.length);
    expect(await names()).toEqual(kept);
  });

  it('are the only way to write: the connection that reads refuses', async () => {
    if (!onSqlite) return;
    const writing = reader.query(
      "INSERT INTO tenant (id, name, createdAt, updatedAt) VALUES ('x', 'x', 0, 0)",
    );
    await expect(writing).rejects.toThrow(/readonly/);
  });

  it('give up when they cannot begin in time, having written nothing', async () => {
    if (!onSqlite) return;
    const { open, opened } = gate();
    const slow = transactions.run(async () => opened, { lane: 'slow' });
    const late = transactions.run((tx) => insert(tx, 'late'), { maxWaitMs: 1 });
    const refused = expect(late).rejects.toBeInstanceOf(DatabaseUnavailableError);
    await new Promise((resolve) => setTimeout(resolve, 5));
    open();
    await slow;
    await refused;
    expect(await names()).toEqual([]);
  });

  it('of one lane let those of another lane pass between them', async () => {
    if (!onSqlite) return;
    const order: string[] = [];
    const work = (lane: string) => transactions.run(async () => void order.push(lane), { lane });
    const { open, opened } = gate();
    const first = transactions.run(() => opened, { lane: 'busy' });
    const rest = [work('busy'), work('busy'), work('busy'), work('quiet')];
    open();
    await Promise.all([first, ...rest]);
    expect(order.indexOf('quiet')).toBeLessThan(2);
  });

  it('run again as a whole when the server sacrifices one of two that wait for each other', async () => {
    if (onSqlite) return;
    await transactions.run(async (tx) => {
      await insert(tx, 'a');
      await insert(tx, 'b');
    });
    const bump = (first: string, second: string, ready: () => void, other: Promise<void>) =>
      transactions.run(async (tx) => {
        await tx.query("UPDATE tenant SET name = CONCAT(name, '+') WHERE id = ?", [first]);
        ready();
        await other;
        await tx.query("UPDATE tenant SET name = CONCAT(name, '+') WHERE id = ?", [second]);
      });
    const one = gate();
    const two = gate();
    await Promise.all([bump('a', 'b', one.open, two.opened), bump('b', 'a', two.open, one.opened)]);
    expect(await names()).toEqual(['a++', 'b++']);
  });
});
