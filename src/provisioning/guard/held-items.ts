import { deleteInThousands } from '../../database/bounded-delete';
import type { Transaction } from '../../database/transaction-runner';
import { WHOLE_TEAM } from './recent-removals';

/** The group has released its remote group, or lost it to another group. */
export async function dropItemsOf(tx: Transaction, integrationId: string, groupId: string): Promise<void> {
  await deleteInThousands((work) => work(tx), 'held_item', 'groupId = ?', [groupId]);
  await closeEmptied(tx, integrationId);
}

/** The remote group was not deleted and stays: it does not count as a deletion of the last hour. */
export async function forgetDeletion(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query('DELETE FROM guard_event WHERE remoteGroupId = ? AND remoteUserId = ?', [
    remoteGroupId,
    WHOLE_TEAM,
  ]);
}

/** Drops the items of remote users that are no members any more, whatever was decided about them. */
export async function dropItemsOfAbsent(
  tx: Transaction,
  { integrationId, groupId, id: remoteGroupId }: { integrationId: string; groupId: string; id: string },
): Promise<void> {
  await tx.query(
    `DELETE FROM held_item WHERE groupId = ? AND NOT EXISTS (
       SELECT 1 FROM remote_member m WHERE m.remoteGroupId = ? AND m.remoteUserId = held_item.subject)`,
    [groupId, remoteGroupId],
  );
  await closeEmptied(tx, integrationId);
}

/** Removes held changes without items: an admin has nothing to decide there. */
async function closeEmptied(tx: Transaction, integrationId: string): Promise<void> {
  await tx.query(
    `DELETE FROM held_change WHERE integrationId = ? AND decision IS NULL
       AND NOT EXISTS (SELECT 1 FROM held_item WHERE held_item.heldChangeId = held_change.id)`,
    [integrationId],
  );
}
