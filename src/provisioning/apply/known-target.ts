import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import type { Claim } from '../plan/new-team';

/**
 * Questions about what we know of a target. Whoever applies asks them inside a transaction, whoever only plans asks the
 * reading connection.
 */
export type Asked = Pick<Transaction, 'query'>;

/** Which other group, of whatever integration, holds the team. */
export async function claimOn(
  db: Asked,
  accountIdentity: string,
  remoteId: string,
  exceptRemoteGroupId: string,
): Promise<Claim | undefined> {
  const [claim] = await db.query<Claim>(
    'SELECT groupName, integrationId FROM remote_group WHERE accountIdentity = ? AND remoteId = ? AND id <> ?',
    [accountIdentity, remoteId, exceptRemoteGroupId],
  );
  return claim;
}

/** What a deleted group of that name still has in the target: its `remote_group.id`. */
export async function tombstoneNamed(
  db: Asked,
  integrationId: string,
  remoteNameKey: string,
  exceptGroupId: string,
): Promise<string | null> {
  const [tombstone] = await db.query<{ id: string }>(
    `SELECT r.id AS id FROM remote_group r LEFT JOIN scim_group g ON g.id = r.groupId
     WHERE r.integrationId = ? AND r.remoteNameKey = ? AND r.groupId <> ?
       AND (g.id IS NULL OR g.deletedAt IS NOT NULL)`,
    [integrationId, remoteNameKey, exceptGroupId],
  );
  return tombstone?.id ?? null;
}

/** Those of these remote users whom we added to the team: a release takes them out again. */
export async function addedByUs(
  db: Asked,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<string[]> {
  const rows = await db.query<{ remoteUserId: string }>(
    `SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND managed = 1 AND preexisting = 0
       AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, ...remoteUserIds],
  );
  return rows.map(({ remoteUserId }) => remoteUserId);
}

/** Who is next in the team once so many places have become free. */
export async function nextForPlaces(db: Asked, remoteGroupId: string, places: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>(
    'SELECT userId FROM parked_member WHERE remoteGroupId = ? AND reason = ? ORDER BY nextAttemptAt LIMIT ?',
    [remoteGroupId, GROUP_FULL, places],
  );
  return rows.map(({ userId }) => userId);
}
