import { Injectable } from '@nestjs/common';
import { type RunTransaction, deleteInThousands } from '../database/bounded-delete';
import { inList } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';

const GROUPS_PER_TURN = 100;
/** Memberships first, because their foreign keys point to groups and users. */
const TABLES = ['group_member', 'scim_group', 'scim_user', 'refused_write', 'directory_count'] as const;

/** Removes the directory's rows of an integration that is being deleted. */
@Injectable()
export class IntegrationDirectory {
  /** @param run runs each transaction, which deletes a thousand rows */
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

  /** False if a write that ran while the integration was deleted left rows behind. */
  async isEmpty(tx: Transaction, integrationId: string): Promise<boolean> {
    for (const table of ['group_change', ...TABLES]) {
      const left = await tx.query(`SELECT 1 FROM ${table} WHERE integrationId = ? LIMIT 1`, [integrationId]);
      if (left.length > 0) return false;
    }
    return true;
  }
}
