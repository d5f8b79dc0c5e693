import { Injectable } from '@nestjs/common';
import { type RunTransaction, deleteInThousands } from '../../database/bounded-delete';
import { inList } from '../../database/dialect';

const ROWS_PER_TURN = 100;
/** Tables whose rows belong to rows of another table, and are found through these. */
const OWNED = [
  {
    owner: 'remote_group',
    column: 'remoteGroupId',
    tables: ['remote_member', 'parked_member', 'unclear_write'],
  },
  { owner: 'held_change', column: 'heldChangeId', tables: ['held_item'] },
] as const;
const OF_INTEGRATIONS = ['remote_user', 'drift', 'guard_event'] as const;

/** The whole record of an integration's target, with our claims on remote groups. */
@Injectable()
export class RemoteRows {
  /**
   * Deletes dependent rows first: after a cut-off, the next attempt finds the rest through the remaining owner
   * rows.
   *
   * @param run runs each transaction, a thousand rows in one; or runs all in one given transaction
   */
  async remove(run: RunTransaction, integrationId: string): Promise<void> {
    for (const { owner, column, tables } of OWNED) {
      for (;;) {
        const rows = await run((tx) =>
          tx.query<{ id: string }>(`SELECT id FROM ${owner} WHERE integrationId = ? LIMIT ${ROWS_PER_TURN}`, [
            integrationId,
          ]),
        );
        if (rows.length === 0) break;
        const ids = rows.map(({ id }) => id);
        for (const table of tables) await deleteInThousands(run, table, `${column} IN (${inList(ids)})`, ids);
        await deleteInThousands(run, owner, `id IN (${inList(ids)})`, ids);
      }
    }
    for (const table of OF_INTEGRATIONS) {
      await deleteInThousands(run, table, 'integrationId = ?', [integrationId]);
    }
  }
}
