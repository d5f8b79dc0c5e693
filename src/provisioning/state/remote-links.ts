import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { USER_GONE } from '../../integrations/provider/provider-error';
import { lookUpDelay } from '../plan/backoff';
import { EMAIL_DIFFERS, type PlannedLink, type ShownAddressPlan } from '../plan/link-plan';
import { RemoteUser } from './remote-user.entity';

/** Characters that `remote_user.message` takes. */
const MESSAGE_LENGTH = 1_000;

/** Stores the remote user of an IdP user, or why it is not known. */
export async function writeLink(
  tx: Transaction,
  integrationId: string,
  {
    userId,
    emailKey,
    targetAttributesKey,
    incarnation,
  }: { userId: string; emailKey: string | null; targetAttributesKey: string | null; incarnation: number },
  link: PlannedLink & { pinned: boolean },
): Promise<void> {
  const linked = {
    state: link.state,
    remoteUserId: link.remoteUserId,
    linkedEmailKey: link.linkedEmailKey,
    emailKey,
    targetAttributesKey,
    incarnation,
    reason: link.reason,
    message: link.message,
    attempts: link.attempts,
    pinned: link.pinned,
    checkedAt: Date.now(),
    nextCheckAt: link.nextCheckAt,
  };
  await upsert(tx, RemoteUser, [{ userId, integrationId, ...linked }], {
    update: Object.keys(linked) as (keyof typeof linked)[],
  });
}

/**
 * Drops the links of these users to a remote user that no longer exists, and makes their look-ups due.
 *
 * @param call the remote user whose call showed this, and how many look-ups in a row had still found it
 */
export async function unlinkGone(
  tx: Transaction,
  userIds: readonly string[],
  message: string,
  call?: { remoteUserId: string; attempts: number },
): Promise<void> {
  const attempts = call?.attempts ?? 0;
  await tx.query(
    `UPDATE remote_user SET goneRemoteUserId = ?, remoteUserId = NULL, linkedEmailKey = NULL, state = 'not_found',
       reason = ?, message = ?, attempts = ?, pinned = 0, nextCheckAt = ? WHERE userId IN (${inList(userIds)})`,
    [
      call?.remoteUserId ?? null,
      USER_GONE,
      message,
      attempts,
      Date.now() + (attempts > 0 ? lookUpDelay(attempts) : 0),
      ...userIds,
    ],
  );
}

/** The address that the target shows for the remote user of one link. */
export interface ShownAddress {
  userId: string;
  address: string;
  plan: ShownAddressPlan;
}

/**
 * Stores what follows from the addresses that the target shows for these links; as many as one statement takes.
 */
export async function writeShownAddresses(tx: Transaction, links: readonly ShownAddress[]): Promise<void> {
  const planned = (kind: ShownAddressPlan['kind']) => links.filter(({ plan }) => plan.kind === kind);
  await setAddresses(tx, [...planned('look-up'), ...planned('note')]);
  for (const { userId, plan } of links) {
    if (plan.kind === 'look-up') {
      await tx.query(
        'UPDATE remote_user SET reason = ?, message = ?, attempts = 0, nextCheckAt = ? WHERE userId = ?',
        [EMAIL_DIFFERS, plan.message.slice(0, MESSAGE_LENGTH), plan.nextCheckAt, userId],
      );
    }
    if (plan.kind === 'flag') {
      await tx.query('UPDATE remote_user SET reason = ?, message = ? WHERE userId = ?', [
        plan.reason,
        plan.message.slice(0, MESSAGE_LENGTH),
        userId,
      ]);
    }
  }
  const cleared = planned('clear').map(({ userId }) => userId);
  if (cleared.length === 0) return;
  await tx.query(
    `UPDATE remote_user SET reason = NULL, message = NULL WHERE userId IN (${inList(cleared)})`,
    cleared,
  );
}

async function setAddresses(tx: Transaction, links: readonly ShownAddress[]): Promise<void> {
  if (links.length === 0) return;
  const each = links.map(() => 'WHEN ? THEN ?').join(' ');
  await tx.query(
    `UPDATE remote_user SET linkedEmailKey = CASE userId ${each} END WHERE userId IN (${inList(links)})`,
    [...links.flatMap(({ userId, address }) => [userId, address]), ...links.map(({ userId }) => userId)],
  );
}

/** An admin wants a new look-up of the user. */
export async function undoLink(tx: Transaction, userId: string): Promise<void> {
  const now = Date.now();
  await tx.query(
    `UPDATE remote_user SET state = 'unknown', remoteUserId = NULL, linkedEmailKey = NULL, reason = NULL, message = NULL,
       attempts = 0, pinned = 0, checkedAt = ?, nextCheckAt = ? WHERE userId = ?`,
    [now, now, userId],
  );
}

/**
 * SQL condition: the link `r` was undone and not looked up since. A look-up leaves either a remote user or a
 * reason.
 */
export const IS_UNDONE = '(r.userId IS NOT NULL AND r.remoteUserId IS NULL AND r.reason IS NULL)';
