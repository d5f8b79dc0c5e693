import type { Transaction } from '../../database/transaction-runner';
import { NAME_NOT_FREE_YET, TEAM_CLAIMED } from '../plan/new-group';
import { RemoteGroup } from '../state/remote-group.entity';
import type { RunContext } from './run-context';

/** Somebody renamed a team of ours in the target: what we know of it becomes what was seen. */
export async function correctName(
  tx: Transaction,
  run: Pick<RunContext, 'integration' | 'provider'>,
  { id, remoteName: formerly }: Pick<RemoteGroup, 'id' | 'remoteName'>,
  remoteName: string,
): Promise<void> {
  const remoteNameKey = run.provider.groupNameKey(remoteName);
  await tx.manager.update(RemoteGroup, { id }, { remoteName, remoteNameKey });
  await offerFreedNames(tx, run, formerly);
}

/**
 * A team has another name, is gone, or is let go: groups without a team that may have waited for its name, and the one whose
 * team is to have it, are tried again now.
 *
 * @param name that it had; null where it had none
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
  // One that is put off for something else has its turn when that is over.
  await tx.query(
    `UPDATE remote_group SET nameAttempts = 0, nameNextAttemptAt = ?,
       nextAttemptAt = CASE WHEN notBefore > ? THEN notBefore ELSE ? END
     WHERE integrationId = ? AND groupId = ? AND nameNextAttemptAt > ?`,
    [now, now, now, integrationId, wanting.id, now],
  );
}
