import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import type { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';

/** Why a link of an IdP user is in doubt: the two addresses are not the same. */
export type LinkFlag = typeof EMAIL_DIFFERS | typeof PINNED_ADDRESS_CHANGED;

export interface FlaggedLink {
  remoteUserId: string;
  message: string | null;
  /** Look-ups in a row that did not find one person. */
  attempts: number;
  /** Whether the user is one whom the IdP has. */
  active: boolean;
}

interface FlaggedRow extends Omit<FlaggedLink, 'active'> {
  userId: string;
  nextCheckAt: number | null;
  active: number;
}

/** Links with that flag, as the index has them. */
export async function* flaggedLinks(
  reader: Pick<DataSource, 'query'>,
  pauses: Pauses,
  integrationId: string,
  flag: LinkFlag,
): AsyncGenerator<FlaggedLink[], void> {
  // Whoever is looked up again at no time comes first in the index, as NULL does in both databases.
  for (const [which, start] of [
    ['nextCheckAt IS NULL', []],
    ['nextCheckAt >= ?', [0]],
  ] as const) {
    const slices = keysetSlices<FlaggedRow>(pauses, (last, limit) => {
      const [after, params] = last ? afterRow(last) : [which, start];
      return reader.query(
        `SELECT r.userId AS userId, r.nextCheckAt AS nextCheckAt, r.remoteUserId AS remoteUserId,
                r.message AS message, r.attempts AS attempts,
                CASE WHEN u.active = 1 AND u.deletedAt IS NULL THEN 1 ELSE 0 END AS active
         FROM (SELECT userId, nextCheckAt, remoteUserId, message, attempts FROM remote_user
               WHERE integrationId = ? AND reason = ? AND ${after} ORDER BY nextCheckAt, userId LIMIT ?) r
         LEFT JOIN scim_user u ON u.id = r.userId ORDER BY r.nextCheckAt, r.userId`,
        [integrationId, flag, ...params, limit],
      );
    });
    for await (const rows of slices) yield rows.map((row) => ({ ...row, active: Number(row.active) === 1 }));
  }
}

function afterRow({ nextCheckAt, userId }: FlaggedRow): [string, readonly unknown[]] {
  return nextCheckAt === null
    ? ['nextCheckAt IS NULL AND userId > ?', [userId]]
    : ['nextCheckAt >= ? AND (nextCheckAt > ? OR userId > ?)', [nextCheckAt, nextCheckAt, userId]];
}
