import { TransactionRunner } from '../../../src/database/transaction-runner';
import type { Scimify, TestIntegration } from '../../support/scimify';
import { waitFor } from '../../support/wait';

/** Makes all writes old enough: a reconciliation skips recent writes, because PagerDuty's reads lag. */
export async function longAfterwards(scimify: Scimify): Promise<void> {
  await scimify.app
    .get(TransactionRunner)
    .run((tx) =>
      tx.query(
        'UPDATE remote_group SET lastWriteAt = lastWriteAt - 300000, createdRemotelyAt = createdRemotelyAt - 300000',
      ),
    );
}

/** Requests a reconciliation of everything, including recent writes. */
export async function beginReconciliation(scimify: Scimify, { id }: TestIntegration): Promise<void> {
  await longAfterwards(scimify);
  const { status } = await scimify.admin.post(`/integrations/${id}/reconcile`);
  if (status !== 202) throw new Error(`No reconciliation: ${status}`);
}

/** Like `beginReconciliation`, but a scheduled one: one that an admin requests also retries everything that failed. */
export async function comeToReconciliation(scimify: Scimify, { id }: TestIntegration): Promise<void> {
  await longAfterwards(scimify);
  const now = Date.now();
  await scimify.app
    .get(TransactionRunner)
    .run((tx) =>
      tx.query('UPDATE integration_work SET reconcileAt = ?, dueAt = ? WHERE integrationId = ?', [
        now,
        now,
        id,
      ]),
    );
}

/** The call log cannot show this: after the last page, a reconciliation still has to compare what it read. */
export async function reconciliationIsUnderWay(scimify: Scimify, { id }: TestIntegration): Promise<boolean> {
  const [row] = await scimify.app
    .get(TransactionRunner)
    .run((tx) =>
      tx.query<{ reconcileAt: number | null }>(
        'SELECT reconcileAt FROM integration_work WHERE integrationId = ?',
        [id],
      ),
    );
  return Number(row?.reconcileAt ?? 0) <= Date.now();
}

export async function reconciliationToEnd(
  scimify: Scimify,
  integration: TestIntegration,
  timeoutMs?: number,
): Promise<void> {
  await waitFor(
    'the reconciliation to end',
    () => reconciliationIsUnderWay(scimify, integration),
    (underWay) => !underWay,
    timeoutMs,
  );
}
