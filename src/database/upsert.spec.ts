import 'reflect-metadata';
import { Column, DataSource, Entity, Index, type QueryRunner } from 'typeorm';
import { type TestDatabase, createTestDatabase } from '../../test/support/database';
import { BooleanColumn, JsonColumn, KeyColumn, PrimaryIdColumn, TimeColumn } from './column-types';
import { writerOptions } from './data-source-options';
import { type Transaction, transactionOn } from './transaction-runner';
import { upsert } from './upsert';

@Entity('sample')
@Index('sample_name', ['name'], { unique: true })
class Sample {
  @PrimaryIdColumn() id: string;
  @KeyColumn(64) name: string;
  @BooleanColumn() active: boolean;
  @Column({ name: 'count_', type: 'int' }) count: number;
  @JsonColumn({ nullable: true }) tags: string[] | null;
  @TimeColumn({ nullable: true }) seenAt: number | null;
}

const ADA = { id: 'a', name: 'Ada', active: true, count: 1, tags: ['x', 'y'], seenAt: 1_790_000_000_000 };

describe('upsert', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let runner: QueryRunner;
  let tx: Transaction;
  let statements: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    const options = writerOptions(database.settings, [Sample]);
    dataSource = await new DataSource({ ...options, migrations: [], synchronize: true }).initialize();
    runner = dataSource.createQueryRunner();
  });

  beforeEach(async () => {
    await dataSource.getRepository(Sample).clear();
    statements = [];
    const real = transactionOn(runner, []);
    tx = {
      ...real,
      query: (sql, parameters) => {
        statements.push(sql);
        return real.query(sql, parameters);
      },
    };
  });

  afterAll(async () => {
    await runner.release();
    await dataSource.destroy();
    await database.remove();
  });

  const stored = () => dataSource.getRepository(Sample).find({ order: { id: 'ASC' } });

  it('writes each property to its column, as the entity converts it', async () => {
    const grace = { seenAt: null, tags: null, count: 2, active: false, name: 'Grace', id: 'b' };
    await upsert(tx, Sample, [ADA], { update: [] });
    await upsert(tx, Sample, [grace], { update: [] });
    expect(await runner.query('SELECT * FROM sample ORDER BY id')).toEqual([
      { id: 'a', name: 'Ada', active: 1, count_: 1, tags: '["x","y"]', seenAt: 1_790_000_000_000 },
      { id: 'b', name: 'Grace', active: 0, count_: 2, tags: null, seenAt: null },
    ]);
    expect(await stored()).toEqual([ADA, grace]);
  });

  it('leaves columns that take NULL to the database if rows do not have them', async () => {
    const { tags: _, seenAt: __, ...rest } = ADA;
    await upsert(tx, Sample, [rest], { update: [] });
    expect(await stored()).toEqual([{ ...ADA, tags: null, seenAt: null }]);
  });

  describe('of a row that exists', () => {
    const again = { id: 'a', name: 'Ada L.', active: false, count: 5, tags: [], seenAt: 2 };

    beforeEach(() => upsert(tx, Sample, [ADA], { update: [] }));

    it.each([
      ['changes nothing without a property to update', {}, { update: [] as const }],
      ['updates what it names', { active: false, tags: [] }, { update: ['active', 'tags'] as const }],
      ['adds to numbers', { count: 6 }, { update: [] as const, add: ['count'] as const }],
      ['updates and adds', { seenAt: 2, count: 6 }, { update: ['seenAt'] as const, add: ['count'] as const }],
    ])('%s', async (_what, changed, onExistingRow) => {
      await upsert(tx, Sample, [again], onExistingRow);
      expect(await stored()).toEqual([{ ...ADA, ...changed }]);
    });

    it('finds the row by another unique key', async () => {
      await upsert(tx, Sample, [{ ...again, id: 'c', name: 'Ada' }], {
        key: ['name'],
        update: ['id', 'count'],
      });
      expect(await stored()).toEqual([{ ...ADA, id: 'c', count: 5 }]);
    });

    it('leaves it as it is by another unique key', async () => {
      await upsert(tx, Sample, [{ ...again, id: 'c', name: 'Ada' }], { key: ['name'], update: [] });
      expect(await stored()).toEqual([ADA]);
    });
  });

  it('splits many rows into statements', async () => {
    function* rows() {
      for (let count = 1; count <= 1_001; count++) yield { ...ADA, id: `${count}`, name: `${count}`, count };
    }
    await upsert(tx, Sample, rows(), { update: [] });
    expect(statements).toHaveLength(3);
    const written = await stored();
    expect(written).toHaveLength(1_001);
    expect(written.every(({ id, name, count }) => id === `${count}` && name === id)).toBe(true);
  });

  it('sends no statement without rows', async () => {
    await upsert(tx, Sample, [], { update: ['count'] });
    expect(statements).toEqual([]);
  });

  it('refuses a property without a column', async () => {
    const misspelt = [{ ...ADA, seen: 1 }] as unknown as (typeof ADA)[];
    await expect(upsert(tx, Sample, misspelt, { update: [] })).rejects.toThrow('no column for "seen"');
  });

  it('takes only what the entity declares', () => {
    const { count: _, ...withoutCount } = ADA;
    const { tags: __, ...withoutTags } = ADA;
    // The compiler checks this; nothing runs.
    void [
      // @ts-expect-error -- the column takes no NULL
      () => upsert(tx, Sample, [withoutCount], { update: [] }),
      // @ts-expect-error -- it is a boolean
      () => upsert(tx, Sample, [{ ...ADA, active: 1 }], { update: [] }),
      // @ts-expect-error -- there is no such property
      () => upsert(tx, Sample, [{ ...ADA, seen: 1 }], { update: [] }),
      // @ts-expect-error -- the rows do not have it
      () => upsert(tx, Sample, [withoutTags], { update: ['tags'] }),
    ];
  });
});
