import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import type { GroupState } from './remote-group.entity';
import type { Standstill } from './standstill';

/** SQL: groups `g` of the IdP with the records `r` of their remote groups and their unprocessed changes `c`. */
export const GROUPS = `scim_group g
  LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
  LEFT JOIN group_change c ON c.groupId = g.id`;

/**
 * SQL condition: groups that the list shows. It shows a deleted group until its remote group is released or
 * deleted.
 */
export const IS_LISTED = '(g.deletedAt IS NULL OR r.id IS NOT NULL)';

/**
 * SQL: the state of a group. An unprocessed change outdates a recorded success. While the integration stands
 * still, the engine does nothing, and retries nothing unless a probe is due.
 */
export function groupState(standstill: Standstill | null): string {
  const overtaken =
    standstill === null ? [] : standstill.resumesAt === null ? ['syncing', 'retrying'] : ['syncing'];
  return `CASE
    WHEN r.id IS NULL THEN 'pending'
    WHEN c.groupId IS NOT NULL AND r.state IN ('synced', 'partial') THEN 'pending'
    ${overtaken.map((state) => `WHEN r.state = '${state}' THEN 'pending'`).join(' ')}
    ELSE r.state END`;
}

/** All groups with their states, in the order of their ids, some hundreds per statement. */
export function groupStates(
  reader: DataSource,
  pauses: Pauses,
  integrationId: string,
  standstill: Standstill | null,
  after = '',
): AsyncGenerator<{ id: string; displayNameKey: string | null; state: GroupState; listed: number }[]> {
  return keysetSlices(pauses, (last, limit) =>
    reader.query(
      `SELECT g.id AS id, g.displayNameKey AS displayNameKey, ${groupState(standstill)} AS state,
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
