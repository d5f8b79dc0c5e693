import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';

/** A leaver is still a member, because no admin has decided about a held change for more than a day. */
export const LEAVER_WAITS_FOR_DECISION = 'leaver_waits_for_decision';

export const LEAVER_WAITS_MESSAGE =
  'A user that the identity provider deactivated or deleted is still in the team, because a held change has waited for an admin for more than a day. Approve it or reject it: GET …/held-changes lists it.';

/** SQL condition, by index: the guard has held the removal of a leaver from the remote group r for too long. */
export const HAS_WAITING_LEAVERS = `EXISTS (SELECT 1 FROM held_item hl WHERE hl.groupId = r.groupId AND hl.leaverToldAt > 0)`;

/** The remote users of these removals, in slices. */
export async function* waitingLeavers(
  reader: DataSource,
  pauses: Pauses,
  groupId: string,
): AsyncGenerator<string[]> {
  type Item = { leaverToldAt: number; subject: string };
  const slices = keysetSlices<Item>(pauses, (last, limit) => {
    const toldAt = Number(last?.leaverToldAt ?? 0);
    return reader.query<Item[]>(
      `SELECT leaverToldAt, subject FROM held_item
       WHERE groupId = ? AND leaverToldAt >= ? AND (leaverToldAt > ? OR subject > ?)
       ORDER BY leaverToldAt, subject LIMIT ?`,
      [groupId, toldAt, toldAt, last?.subject ?? '', limit],
    );
  });
  for await (const items of slices) yield items.map(({ subject }) => subject);
}
