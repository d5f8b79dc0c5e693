import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import type { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';

/** Why a link is doubtful: the two addresses differ. */
export type LinkFlag = typeof EMAIL_DIFFERS | typeof PINNED_ADDRESS_CHANGED;

export interface FlaggedLink {
  remoteUserId: string;
  message: string | null;
  /** Look-ups in a row that did not find exactly one remote user. */
  attempts: number;
  /** Whether the IdP user is active and not deleted. */
  active: boolean;
}

interface FlaggedRow extends Omit<FlaggedLink, 'active'> {
  userId: string;
  nextCheckAt: number | null;
  active: number;
}

/** Links with that flag, in the order of the index. */
export async function* flaggedLinks(
  reader: Pick<DataSource, 'query'>,
  pauses: Pauses,
  integrationId: string,
  flag: LinkFlag,
): AsyncGenerator<FlaggedLink[], void> {
  // Links without a next look-up come first: both databases sort NULL first.
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
