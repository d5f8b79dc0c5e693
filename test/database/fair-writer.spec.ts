import 'reflect-metadata';
import { setImmediate as yieldToEventLoop, setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { writerOptions } from '../../src/database/data-source-options';
import { MysqlTransactionRunner } from '../../src/database/mysql-transaction-runner';
import { DatabaseSpace } from '../../src/database/room';
import { SqliteTransactionRunner } from '../../src/database/sqlite-transaction-runner';
import type { TransactionRunner } from '../../src/database/transaction-runner';
import { WriteAheadLog } from '../../src/database/write-ahead-log';
import { ENTITIES } from '../../src/entities';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { statementLogger } from '../support/statement-logger';

const onSqlite = !process.env.DATABASE_URL?.startsWith('mysql:');
const MAX_WAIT_MS = 5_000;

describe('the writer, between neighbours', () => {
  let database: TestDatabase;
  let writer: DataSource;
  let transactions: TransactionRunner;
  let log: WriteAheadLog | null;

  beforeAll(async () => {
    database = await createTestDatabase();
    writer = await new DataSource(writerOptions(database.settings, ENTITIES)).initialize();
    await writer.runMigrations();
    const { settings } = database;
    log = settings.kind === 'sqlite' ? await WriteAheadLog.open(settings.path) : null;
    transactions = log
      ? new SqliteTransactionRunner(writer, log, new DatabaseSpace())
      : new MysqlTransactionRunner(writer, new DatabaseSpace());
  });

  afterAll(async () => {
    await log?.end();
    await writer.destroy();
    await database.remove();
  });

  /** Holds the transaction for this long, as a write of many rows does. */
  const hold = (lane: string, ms: number, big: boolean) =>
    transactions.run(() => pause(ms), { lane, big, maxWaitMs: MAX_WAIT_MS });

  /** Sends work of one lane without end, this many at a time. */
  const flood = (lane: string, ms: number, big: boolean, atATime: number) => {
    let flooding = true;
    const senders = Array.from({ length: atATime }, async () => {
      while (flooding) {
        await hold(lane, ms, big).catch(() => undefined);
        await yieldToEventLoop();
      }
    });
    return async () => {
      flooding = false;
      await Promise.all(senders);
    };
  };

  it.each([
    ['big writes', true],
    ['small ones, which take as long', false],
  ])('lets a quiet one in after each turn of one who sends %s without end', async (_what, big) => {
    const end = flood('loud', 100, big, 10);
    const waits: number[] = [];
    for (let write = 0; write < 20; write++) {
      await pause(10);
      const begun = performance.now();
      await hold('quiet', 0, false);
      waits.push(performance.now() - begun);
    }
    await end();
    // One turn takes 100 ms; ten of them would be a second.
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(600);
  });

  it('lets a big write in although others send small ones without end', async () => {
    const end = flood('loud', 5, false, 10);
    await pause(50);
    await hold('quiet', 50, true);
    await end();
  });

  it('counts time: of two who send without end, the one whose writes are short gets many more of them in', async () => {
    if (!onSqlite) return;
    const done = { long: 0, short: 0 };
    let sending = true;
    const send = async (lane: 'long' | 'short', ms: number) => {
      while (sending) {
        await hold(lane, ms, false);
        done[lane] += 1;
      }
    };
    const senders = [
      ...Array.from({ length: 4 }, () => send('long', 50)),
      ...Array.from({ length: 8 }, () => send('short', 5)),
    ];
    await pause(2_000);
    sending = false;
    await Promise.all(senders);
    expect(done.short).toBeGreaterThan(done.long * 1.5);
  });

  it('lets one neighbour have a part of the connections at most', async () => {
    if (onSqlite) return;
    const end = flood('loud', 300, false, 60);
    await pause(50);
    const begun = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => hold('quiet', 0, false)));
    const waited = performance.now() - begun;
    await end();
    // The other lane's work waits in a queue of ten, 300 ms each.
    expect(waited).toBeLessThan(1_000);
  });

  it('makes one commit of the works that arrive while it works', async () => {
    if (!onSqlite) return;
    const statements: string[] = [];
    const former = writer.logger;
    writer.logger = statementLogger((sql) => statements.push(sql));
    // As requests do when the event loop reads one per turn.
    const works = Array.from({ length: 20 }, async () => {
      await yieldToEventLoop();
      await transactions.run((tx) => tx.query('SELECT 1'));
    });
    await Promise.all(works);
    writer.logger = former;
    expect(statements.filter((sql) => sql === 'COMMIT').length).toBeLessThan(10);
  });
});
