import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { placeholders } from '../../../../src/database/dialect';
import { TransactionRunner } from '../../../../src/database/transaction-runner';
import type { Scimify, TestIntegration } from '../../../support/scimify';

const ROWS_PER_STATEMENT = 500;
const STATEMENTS_PER_TRANSACTION = 20;
/** Placeholder in the one user that is sent. The others have their number there. */
const MARK = 'template';

export const userName = (user: number) => userNameWith(numbered(user));
export const externalId = (user: number) => externalIdWith(numbered(user));

const userNameWith = (number: string) => `User.${number}@Example.com`;
const externalIdWith = (number: string) => `00u${number}`;
const numbered = (user: number) => String(user).padStart(6, '0');

/**
 * Users as if each had been sent by itself, without a hundred thousand requests: one is sent, and the rows of all
 * others are copies of its row with another number.
 *
 * @returns their ids, in the order of a list
 */
export async function fillWithUsers(
  scimify: Scimify,
  { id: integrationId, scim }: TestIntegration,
  count: number,
): Promise<string[]> {
  const sent = await scim.createUser(userNameWith(MARK), { externalId: externalIdWith(MARK) });
  const reader = scimify.app.get<DataSource>(getDataSourceToken());
  const transactions = scimify.app.get(TransactionRunner);
  const [stored] = await reader.query<Record<string, unknown>[]>('SELECT * FROM scim_user WHERE id = ?', [
    sent,
  ]);
  const columns = Object.keys(stored!);
  // Ids with the time of the first user, because ids of later users are greater.
  const idOf = (user: number) => `${sent.slice(0, -7)}${numbered(user).padStart(7, '0')}`;
  const rowOf = (user: number) =>
    columns.map((column) => {
      const value = stored![column];
      if (typeof value !== 'string' || column === 'integrationId') return value;
      return value.replaceAll(MARK, numbered(user)).replaceAll(sent, idOf(user));
    });
  await scim.delete(`/Users/${sent}`);

  const perTransaction = ROWS_PER_STATEMENT * STATEMENTS_PER_TRANSACTION;
  for (let start = 0; start < count; start += perTransaction) {
    await transactions.run(async (tx) => {
      const end = Math.min(count, start + perTransaction);
      for (let from = start; from < end; from += ROWS_PER_STATEMENT) {
        const rows = Array.from({ length: Math.min(end - from, ROWS_PER_STATEMENT) }, (_, n) =>
          rowOf(from + n),
        );
        await tx.query(
          `INSERT INTO scim_user (${columns.join(', ')}) VALUES ${placeholders(rows.length, columns.length)}`,
          rows.flat(),
        );
      }
    });
  }
  await transactions.run(async (tx) => {
    // Until the next sweep, lists would contain this row, so their length would depend on the machine's speed.
    await tx.query('DELETE FROM scim_user WHERE id = ?', [sent]);
    await tx.query('UPDATE directory_count SET users = users + ? WHERE integrationId = ?', [
      count,
      integrationId,
    ]);
  });
  return Array.from({ length: count }, (_, user) => idOf(user));
}
