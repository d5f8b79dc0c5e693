import type { Driver, EntityMetadata } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata';
import { chunksOf } from './chunks';
import { dialect, placeholders } from './dialect';
import type { Transaction } from './transaction-runner';

/** Properties whose columns take no NULL: each row has them. */
type Needed<E> = { [P in keyof E]: null extends E[P] ? never : P }[keyof E];

interface OnExistingRow<Property> {
  /** The unique key by which a row exists already. Default: the primary key. */
  key?: readonly Property[];
  /** Properties that get the new value. If nothing is updated or added, the existing row stays as it is. */
  update: readonly Property[];
  /** Properties that add the new number. */
  add?: readonly Property[];
}

/**
 * Inserts rows and changes those that exist, in statements of bounded size. All rows have the same properties.
 * Columns and conversions are those of the entity.
 */
export async function upsert<E extends object, Property extends keyof E & string>(
  tx: Transaction,
  entity: new () => E,
  rows: Iterable<Pick<E, Property | Needed<E>>>,
  onExistingRow: OnExistingRow<NoInfer<Property>>,
): Promise<void> {
  const { dataSource } = tx.manager;
  const table = dataSource.getMetadata(entity);
  const onConflict = conflictClause(table, onExistingRow);
  for await (const some of chunksOf(rows)) {
    const columns = Object.keys(some[0]!).map((property) => columnOf(table, property));
    const parameters: unknown[] = [];
    for (const row of some) {
      for (const column of columns) {
        parameters.push(toSql(dataSource.driver, column, row[column.propertyName as Property]));
      }
    }
    const names = columns.map(({ databaseName }) => databaseName).join(', ');
    await tx.query(
      `INSERT INTO ${table.tableName} (${names}) VALUES ${placeholders(some.length, columns.length)} ${onConflict}`,
      parameters,
    );
  }
}

function conflictClause(table: EntityMetadata, { key, update, add = [] }: OnExistingRow<string>): string {
  const nameOf = (property: string) => columnOf(table, property).databaseName;
  const given = (name: string) => (dialect === 'mysql' ? `VALUES(${name})` : `excluded.${name}`);
  const assignments = [
    ...update.map(nameOf).map((name) => `${name} = ${given(name)}`),
    ...add.map(nameOf).map((name) => `${name} = ${table.tableName}.${name} + ${given(name)}`),
  ].join(', ');
  const keyNames = key?.map(nameOf) ?? table.primaryColumns.map(({ databaseName }) => databaseName);
  if (dialect === 'mysql') {
    const nothing = `${keyNames[0]} = ${keyNames[0]}`;
    return `ON DUPLICATE KEY UPDATE ${assignments || nothing}`;
  }
  const action = assignments === '' ? 'DO NOTHING' : `DO UPDATE SET ${assignments}`;
  return `ON CONFLICT (${keyNames.join(', ')}) ${action}`;
}

function columnOf(table: EntityMetadata, property: string): ColumnMetadata {
  const column = table.findColumnWithPropertyName(property);
  if (!column) throw new Error(`The table ${table.tableName} has no column for "${property}".`);
  return column;
}

/** Types of columns whose values go to the database as they are. */
const UNCONVERTED = new Set<unknown>(['char', 'varchar', 'varbinary', 'int']);

/** Most values need no conversion. Asking TypeORM about each of them would take longer than all the rest. */
function toSql(driver: Driver, column: ColumnMetadata, value: unknown): unknown {
  const isUnconverted = column.transformer === undefined && UNCONVERTED.has(column.type);
  return isUnconverted ? value : driver.preparePersistentValue(value, column);
}
