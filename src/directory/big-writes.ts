import type { DataSource } from 'typeorm';

/** A write that touches more rows is big: only one big write runs at a time. */
export const BIG_WRITE_ROWS = 1_000;

/** Whether there are more rows than a small write touches. It stops reading once it knows. */
export async function isBigWrite(
  reader: DataSource,
  from: string,
  parameters: readonly unknown[],
): Promise<boolean> {
  const rows = await reader.query<unknown[]>(`SELECT 1 FROM ${from} LIMIT 1 OFFSET ${BIG_WRITE_ROWS}`, [
    ...parameters,
  ]);
  return rows.length > 0;
}
