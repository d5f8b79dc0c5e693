import type { DataSource } from 'typeorm';
import { orderedBy } from '../database/dialect';
import {
  type ListRequest,
  type Ordered,
  type SqlCondition,
  behind,
  both,
  orderBy,
  sortKeyColumn,
} from './resource-page';

/** Condition on a table of resources; its one parameter is the integration. */
export const LIVE = 'integrationId = ? AND deletedAt IS NULL';

/** Where resources of one type stand. */
export interface ResourceTable<Row> {
  name: string;
  /** Columns of a row, without those that only SQL compares. */
  columns: string;
  /** The index that has the rows of an integration in the order of each column. */
  orderIndexes: Readonly<Record<string, string>>;
  fromSql: <R extends Row>(row: R) => R;
}

/** Reads the committed resources of one type that are not deleted. */
export abstract class LiveResources<Row> {
  constructor(
    protected readonly reader: DataSource,
    private readonly table: ResourceTable<Row>,
  ) {}

  async find(integrationId: string, id: string): Promise<Row | null> {
    const { name, columns, fromSql } = this.table;
    const rows = await this.reader.query<(Row & object)[]>(
      `SELECT ${columns} FROM ${name} WHERE id = ? AND ${LIVE}`,
      [id, integrationId],
    );
    return rows[0] ? fromSql(rows[0]) : null;
  }

  async count(integrationId: string, where: SqlCondition | null): Promise<number> {
    const [row] = await this.reader.query<[{ total: number }]>(
      `SELECT COUNT(*) AS total FROM ${this.table.name} WHERE ${LIVE}${and(where)}`,
      [integrationId, ...(where?.params ?? [])],
    );
    return Number(row.total);
  }

  async list(
    integrationId: string,
    { where, behind: place, order, offset, limit }: ListRequest,
  ): Promise<Ordered<Row>[]> {
    const { name, columns, orderIndexes, fromSql } = this.table;
    const index = orderedBy(orderIndexes[order?.column ?? 'id'], where !== null);
    const condition = both(where, place && behind(order, place));
    const rows = await this.reader.query<Ordered<Row>[]>(
      `SELECT ${columns}, ${sortKeyColumn(order)} FROM ${name}${index}
       WHERE ${LIVE}${and(condition)} ORDER BY ${orderBy(order)} LIMIT ? OFFSET ?`,
      [integrationId, ...(condition?.params ?? []), limit, offset],
    );
    return rows.map((row) => fromSql(row));
  }
}

function and(where: SqlCondition | null): string {
  return where ? ` AND (${where.sql})` : '';
}
