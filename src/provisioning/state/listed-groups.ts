import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import type { GroupState } from './remote-group.entity';

/** Groups `g` of the IdP, with what is recorded of their teams, `r`, and what changed since it was looked at, `c`. */
export const GROUPS = `scim_group g
  LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
  LEFT JOIN group_change c ON c.groupId = g.id`;

/** Those whom the list of groups shows: a deleted one for as long as the target has not let go of its team. */
export const IS_LISTED = '(g.deletedAt IS NULL OR r.id IS NOT NULL)';

/** A change that is not looked at yet outdates what was said before, unless something stands in its way. */
export const GROUP_STATE = `CASE
  WHEN r.id IS NULL THEN 'pending'
  WHEN c.groupId IS NOT NULL AND r.state IN ('synced', 'partial') THEN 'pending'
  ELSE r.state END`;

/** All groups in the order of their ids, some hundreds with each statement, with how each stands. */
export function groupStates(
  reader: DataSource,
  pauses: Pauses,
  integrationId: string,
  after = '',
): AsyncGenerator<{ id: string; displayNameKey: string | null; state: GroupState; listed: number }[]> {
  return keysetSlices(pauses, (last, limit) =>
    reader.query(
      `SELECT g.id AS id, g.displayNameKey AS displayNameKey, ${GROUP_STATE} AS state,
              CASE WHEN ${IS_LISTED} THEN 1 ELSE 0 END AS listed
       FROM (SELECT id, integrationId, displayNameKey, deletedAt FROM scim_group
             WHERE integrationId = ? AND id > ? ORDER BY id LIMIT ?) g
       LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
       LEFT JOIN group_change c ON c.groupId = g.id
       ORDER BY g.id`,
      [integrationId, last?.id ?? after, limit],
    ),
  );
}
