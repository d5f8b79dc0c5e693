import type { Transaction } from '../../database/transaction-runner';
import { logAfterCommit } from '../../integrations/integration-log';

/** States without open work of the engine: what is left waits for an admin. */
const WAITS_FOR_PEOPLE = "'synced', 'partial', 'blocked', 'held'";

/** Logs once that an integration is in step. Called at the end of each run until it was in step. */
export async function noteFirstSync(tx: Transaction, integrationId: string): Promise<void> {
  const [underWay] = await tx.query(
    `SELECT 1 FROM group_change c LEFT JOIN remote_group r ON r.integrationId = c.integrationId AND r.groupId = c.groupId
     WHERE c.integrationId = ? AND (r.id IS NULL OR r.state NOT IN ('blocked', 'held')) LIMIT 1`,
    [integrationId],
  );
  if (underWay) return;
  const [counts] = await tx.query<Record<'teams' | 'synced' | 'open', number | null>>(
    `SELECT COUNT(*) AS teams, SUM(CASE WHEN state = 'synced' THEN 1 ELSE 0 END) AS synced,
            SUM(CASE WHEN state IN (${WAITS_FOR_PEOPLE}) THEN 0 ELSE 1 END) AS open
     FROM remote_group WHERE integrationId = ? AND deletingSince IS NULL`,
    [integrationId],
  );
  const [teams, synced, open] = [counts!.teams, counts!.synced, counts!.open].map(Number) as [
    number,
    number,
    number,
  ];
  if (synced === 0 || open > 0) return;
  await tx.query('UPDATE integration_work SET firstSyncedAt = ? WHERE integrationId = ?', [
    Date.now(),
    integrationId,
  ]);
  await logAfterCommit(tx, integrationId, {
    level: 'log',
    event: 'integration.first_synced',
    text: 'is in step for the first time',
    detail: { synced, waiting: teams - synced },
  });
}
