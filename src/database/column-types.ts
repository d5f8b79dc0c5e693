import { Column, type ColumnOptions, PrimaryColumn } from 'typeorm';
import { dialect } from './dialect';

const mysql = dialect === 'mysql';

/** DDL of each kind of column, shared by the decorators below and by the migrations. */
export const columnDdl = {
  id: mysql ? 'char(36) CHARACTER SET ascii COLLATE ascii_bin' : 'varchar(36)',
  key: (bytes: number) => (mysql ? `varbinary(${bytes})` : 'varchar'),
  text: (length: number) =>
    mysql ? `varchar(${length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin` : `varchar(${length})`,
  longText: mysql ? 'longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : 'text',
  time: 'bigint',
  integer: mysql ? 'int' : 'integer',
  boolean: mysql ? 'tinyint(1)' : 'boolean',
  tableOptions: mysql ? ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '',
};

const fromInteger = {
  to: (value: unknown) => value,
  from: (value: unknown) => (value === null || value === undefined ? null : Number(value)),
};
const asJson = {
  to: (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value)),
  from: (value: unknown) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : null),
};

const idOptions: ColumnOptions = mysql
  ? { type: 'char', length: 36, charset: 'ascii', collation: 'ascii_bin' }
  : { type: 'varchar', length: 36 };

type Nullable = { nullable?: boolean };

/** UUID in lower case. */
export const IdColumn = (options: Nullable = {}) => Column({ ...idOptions, ...options });

/** UUID in lower case, (part of) the primary key. */
export const PrimaryIdColumn = (options: { constraint?: string } = {}) =>
  PrimaryColumn({ ...idOptions, primaryKeyConstraintName: mysql ? undefined : options.constraint } as never);

/**
 * Text that SQL compares or keeps unique. It is binary and holds the result of one folding function. Read back as
 * a string.
 */
export const KeyColumn = (bytes: number, options: Nullable & { primary?: boolean } = {}) =>
  Column(mysql ? { type: 'varbinary', length: bytes, ...options } : { type: 'varchar', ...options });

/** Text that is shown and never compared. */
export const TextColumn = (length: number, options: Nullable = {}) =>
  Column({ type: 'varchar', length, ...(mysql ? { collation: 'utf8mb4_bin' } : {}), ...options });

/** Text of any length. */
export const LongTextColumn = (options: Nullable = {}) =>
  Column({ type: mysql ? 'longtext' : 'text', ...(mysql ? { collation: 'utf8mb4_bin' } : {}), ...options });

/** A JSON value, parsed and printed in code: no SQL JSON functions. */
export const JsonColumn = (options: Nullable = {}) =>
  Column({
    type: mysql ? 'longtext' : 'text',
    ...(mysql ? { collation: 'utf8mb4_bin' } : {}),
    transformer: asJson,
    ...options,
  });

/**
 * Epoch milliseconds, UTC. It is a number on both sides, so time zones of drivers and `Date` bindings do not
 * matter.
 */
export const TimeColumn = (options: Nullable = {}) =>
  Column({ type: 'bigint', transformer: fromInteger, ...options });

export const IntegerColumn = (options: Nullable = {}) => Column({ type: 'int', ...options });

export const BooleanColumn = (options: Nullable = {}) => Column({ type: 'boolean', ...options });
