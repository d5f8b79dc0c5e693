import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { SqlReader } from '../../database/transaction-runner';
import type { IntegrationProvider } from '../../integrations/provider/integration-provider';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import type { GroupClaim, Obstacle } from '../plan/new-group';
import type { RemoteGroup } from '../state/remote-group.entity';

/** Which other group, of any integration, has claimed the remote group. */
export async function claimOn(
  db: SqlReader,
  accountIdentity: string,
  remoteId: string,
  exceptRemoteGroupId: string,
): Promise<GroupClaim | undefined> {
  const [claim] = await db.query<Omit<GroupClaim, 'deleted' | 'stuck'> & { deleted: number; stuck: number }>(
    `SELECT COALESCE(g.displayName, r.groupName) AS groupName, r.integrationId AS integrationId,
            CASE WHEN g.id IS NULL THEN 1 ELSE 0 END AS deleted,
            CASE WHEN r.nameKind = 'waiting' THEN 1 ELSE 0 END AS stuck
     FROM remote_group r LEFT JOIN scim_group g ON g.id = r.groupId AND g.deletedAt IS NULL
     WHERE r.accountIdentity = ? AND r.remoteId = ? AND r.id <> ?`,
    [accountIdentity, remoteId, exceptRemoteGroupId],
  );
  return claim && { ...claim, deleted: Number(claim.deleted) === 1, stuck: Number(claim.stuck) === 1 };
}

/** The tombstone with this name: the `remote_group.id` of a deleted group whose remote group still exists. */
export async function tombstoneNamed(
  db: SqlReader,
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

/** A remote group of the integration by its name, and the name that its group wants. */
export interface NameHolder {
  /** Of the `remote_group`. */
  id: string;
  remoteName: string;
  /** The current name of the group; null once the IdP has deleted it. */
  wanted: string | null;
  /** The name of the group when it was last processed. */
  groupName: string;
  stuck: boolean;
}

/** The remote group of the integration that has this name, as far as we know. */
export async function holderOfName(
  db: SqlReader,
  integrationId: string,
  remoteNameKey: string,
): Promise<NameHolder | undefined> {
  const [holder] = await db.query<Omit<NameHolder, 'stuck'> & { stuck: number }>(
    `SELECT r.id AS id, r.remoteName AS remoteName, r.groupName AS groupName, g.displayName AS wanted,
            CASE WHEN r.nameKind = 'waiting' THEN 1 ELSE 0 END AS stuck
     FROM remote_group r LEFT JOIN scim_group g ON g.id = r.groupId AND g.deletedAt IS NULL
     WHERE r.integrationId = ? AND r.remoteNameKey = ? AND r.remoteId IS NOT NULL ORDER BY r.id LIMIT 1`,
    [integrationId, remoteNameKey],
  );
  return holder && { ...holder, stuck: Number(holder.stuck) === 1 };
}

/** Whether another group may have created the remote group of that name: its creation has no answer yet. */
export async function isBeingCreated(
  db: SqlReader,
  integrationId: string,
  remoteNameKey: string,
  exceptRemoteGroupId: string,
): Promise<boolean> {
  const rows = await db.query<unknown>(
    `SELECT 1 FROM remote_group WHERE integrationId = ? AND remoteNameKey = ? AND remoteId IS NULL
       AND createIntent IS NOT NULL AND id <> ?`,
    [integrationId, remoteNameKey, exceptRemoteGroupId],
  );
  return rows.length > 0;
}

/** The id of the group that is about to take over this tombstone: it has the same name and no remote group yet. */
export async function successorOf(
  db: SqlReader,
  provider: Pick<IntegrationProvider, 'groupNameKey'>,
  tombstone: Pick<RemoteGroup, 'integrationId' | 'remoteName' | 'remoteNameKey' | 'createIntent'>,
): Promise<string | null> {
  const name = tombstone.remoteName ?? tombstone.createIntent?.name;
  if (name === undefined) return null;
  const key = provider.groupNameKey(name);
  if (key !== tombstone.remoteNameKey) return null;
  const [group] = await db.query<{ id: string }>(
    `SELECT g.id AS id FROM scim_group g
     LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
     WHERE g.integrationId = ? AND g.displayNameUniqueKey = ? AND g.deletedAt IS NULL AND r.remoteId IS NULL
       AND r.createIntent IS NULL`,
    [tombstone.integrationId, key],
  );
  return group?.id ?? null;
}

/** The remote users that we added to the remote group. A release removes them. */
export async function addedByUs(
  db: SqlReader,
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

/**
 * Why a member that we added, or a leaver, is still in a remote group to be released; undefined if there is no
 * such member that the target was asked to remove.
 */
export async function toBeReleasedAndKept(
  db: SqlReader,
  remoteGroupId: string,
): Promise<Obstacle | undefined> {
  const [kept] = await db.query<Obstacle>(
    `SELECT reason, message FROM remote_member
     WHERE remoteGroupId = ? AND managed = 1 AND (preexisting = 0 OR state = 'removing')
     ORDER BY nextAttemptAt, remoteUserId LIMIT 1`,
    [remoteGroupId],
  );
  return kept;
}

/** The next users for freed places, after those that already have an offer. */
export async function nextForPlaces(db: SqlReader, remoteGroupId: string, places: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>(
    `SELECT userId FROM parked_member WHERE remoteGroupId = ? AND reason = ? AND nextAttemptAt > ?
     ORDER BY nextAttemptAt LIMIT ?`,
    [remoteGroupId, GROUP_FULL, Date.now(), places],
  );
  return rows.map(({ userId }) => userId);
}

/** By remote user: the users linked to it. */
export async function usersLinkedTo(
  db: SqlReader,
  integrationId: string,
  remoteUserIds: readonly string[],
): Promise<Map<string, string[]>> {
  const linked = new Map<string, string[]>();
  for await (const some of chunksOf(remoteUserIds)) {
    const rows = await db.query<{ userId: string; remoteUserId: string }>(
      `SELECT userId, remoteUserId FROM remote_user WHERE integrationId = ? AND remoteUserId IN (${inList(some)})
       ORDER BY userId`,
      [integrationId, ...some],
    );
    for (const { userId, remoteUserId } of rows) {
      const users = linked.get(remoteUserId);
      if (users) users.push(userId);
      else linked.set(remoteUserId, [userId]);
    }
  }
  return linked;
}

/** Active members of the group that are linked to one of these remote users. */
export function membersLinkedTo(
  db: SqlReader,
  integrationId: string,
  groupId: string,
  remoteUserIds: readonly string[],
): Promise<{ remoteUserId: string; userId: string }[]> {
  return db.query<{ remoteUserId: string; userId: string }>(
    `SELECT r.remoteUserId AS remoteUserId, r.userId AS userId FROM remote_user r
     JOIN group_member m ON m.groupId = ? AND m.userId = r.userId
     JOIN scim_user u ON u.id = r.userId AND u.active = 1 AND u.deletedAt IS NULL
     WHERE r.integrationId = ? AND r.remoteUserId IN (${inList(remoteUserIds)})`,
    [groupId, integrationId, ...remoteUserIds],
  );
}
