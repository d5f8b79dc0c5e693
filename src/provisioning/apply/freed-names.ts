import type { Transaction } from '../../database/transaction-runner';
import { NAME_NOT_FREE_YET, TEAM_CLAIMED } from '../plan/new-group';
import { RemoteGroup } from '../state/remote-group.entity';
import type { RunContext } from './run-context';

/** A remote group of ours was renamed in the target: stores the name that was seen. */
export async function correctName(
  tx: Transaction,
  run: Pick<RunContext, 'integration' | 'provider'>,
  { id, remoteName: formerName }: Pick<RemoteGroup, 'id' | 'remoteName'>,
  remoteName: string,
): Promise<void> {
  const remoteNameKey = run.provider.groupNameKey(remoteName);
  await tx.manager.update(RemoteGroup, { id }, { remoteName, remoteNameKey });
  await offerFreedNames(tx, run, formerName);
}

/**
 * A remote group was renamed, deleted or released. Groups without a remote group that may wait for its name are
 * due now, and so is the group that wants this name for its own.
 *
 * @param name the old name; null if there was none
 */
export async function offerFreedNames(
  tx: Transaction,
  { integration: { id: integrationId }, provider }: Pick<RunContext, 'integration' | 'provider'>,
  name: string | null,
): Promise<void> {
  const now = Date.now();
  await tx.query(
    `UPDATE remote_group SET notBefore = NULL, nextAttemptAt = ?
     WHERE integrationId = ? AND nextAttemptAt > ? AND remoteId IS NULL AND reason IN (?, ?)`,
    [now, integrationId, now, NAME_NOT_FREE_YET, TEAM_CLAIMED],
  );
  if (name === null) return;
  const [wanting] = await tx.query<{ id: string }>(
    'SELECT id FROM scim_group WHERE integrationId = ? AND displayNameUniqueKey = ?',
    [integrationId, provider.groupNameKey(name)],
  );
  if (!wanting) return;
  // A group that is postponed for another reason becomes due when that wait ends.
  await tx.query(
    `UPDATE remote_group SET nameAttempts = 0, nameNextAttemptAt = ?,
       nextAttemptAt = CASE WHEN notBefore > ? THEN notBefore ELSE ? END
     WHERE integrationId = ? AND groupId = ? AND nameNextAttemptAt > ?`,
    [now, now, now, integrationId, wanting.id, now],
  );
}
