import { Injectable } from '@nestjs/common';
import { type RunTransaction, deleteInThousands } from '../../database/bounded-delete';
import { inList } from '../../database/dialect';

const ROWS_PER_TURN = 100;
/** Tables whose rows belong to another one's, by which they are found. */
const OWNED = [
  {
    owner: 'remote_group',
    column: 'remoteGroupId',
    tables: ['remote_member', 'parked_member', 'unclear_write'],
  },
  { owner: 'held_change', column: 'heldChangeId', tables: ['held_item'] },
] as const;
const OF_INTEGRATIONS = ['remote_user', 'drift', 'guard_event'] as const;

/** Everything that is known of an integration's target, our claims on its teams included. */
@Injectable()
export class RemoteRows {
  /**
   * What belongs to a row goes before it: a removal that is cut off finds the rest by that row again.
   *
   * @param run makes each transaction, a thousand rows in one; or lends the one that all of it is to be part of
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
