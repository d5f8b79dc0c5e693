import { Injectable } from '@nestjs/common';
import { type RunTransaction, deleteInThousands } from '../database/bounded-delete';
import { inList } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';

const GROUPS_PER_TURN = 100;
/** In the order that the foreign keys of memberships ask for. */
const TABLES = ['group_member', 'scim_group', 'scim_user', 'refused_write', 'directory_count'] as const;

/** Everything that the directory holds of an integration which is being deleted. */
@Injectable()
export class IntegrationDirectory {
  /** @param run makes each transaction; a thousand rows go in one */
  async remove(run: RunTransaction, integrationId: string): Promise<void> {
    for (;;) {
      const groups = await run((tx) =>
        tx.query<{ groupId: string }>(
          `SELECT groupId FROM group_change WHERE integrationId = ? LIMIT ${GROUPS_PER_TURN}`,
          [integrationId],
        ),
      );
      if (groups.length === 0) break;
      const ids = groups.map(({ groupId }) => groupId);
      await deleteInThousands(run, 'member_change', `groupId IN (${inList(ids)})`, ids);
      await deleteInThousands(run, 'group_change', `groupId IN (${inList(ids)})`, ids);
    }
    for (const table of TABLES) await deleteInThousands(run, table, 'integrationId = ?', [integrationId]);
  }

  /** Whether a write that was under way when the integration was deleted has left something behind. */
  async isEmpty(tx: Transaction, integrationId: string): Promise<boolean> {
    for (const table of ['group_change', ...TABLES]) {
      const left = await tx.query(`SELECT 1 FROM ${table} WHERE integrationId = ? LIMIT 1`, [integrationId]);
      if (left.length > 0) return false;
    }
    return true;
  }
}
