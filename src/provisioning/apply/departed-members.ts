import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ROWS_PER_STATEMENT } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import type { ChangeContext } from '../../directory/change-context';
import { ChangeMarks } from '../../directory/change-marks';
import { Departures } from '../../directory/departures';
import { liftPinsOfLeaver } from '../guard/pins';
import { WAITS_FOR_ADDITIONS } from '../plan/member-plan';

interface GroupOfLeaver {
  remoteGroupId: string;
  groupId: string;
  remoteUserId: string;
  /** 1 if a decision about the removal from it waits for an admin, or was made by one. */
  screened: number;
}

/**
 * A leaver leaves every remote group, not only those of its current groups. It may still be in the remote group of
 * a group that it left before: because the target refused the removal, an admin kept it, or it waits for
 * additions. It may also be in the remote group of a deleted group that is not released yet.
 */
@Injectable()
export class DepartedMembers implements OnModuleInit {
  constructor(
    private readonly departures: Departures,
    private readonly marks: ChangeMarks,
  ) {}

  onModuleInit(): void {
    this.departures.register((tx, context, userId) => this.compareGroupsOf(tx, context, userId));
  }

  private async compareGroupsOf(tx: Transaction, context: ChangeContext, userId: string): Promise<void> {
    const { integrationId, actor } = context;
    for (let after = ''; ;) {
      const remoteGroups = await groupsOf(tx, userId, after);
      if (remoteGroups.length === 0) return;
      const screened = remoteGroups.filter((group) => Number(group.screened) === 1);
      if (screened.length > 0) {
        const groupIds = screened.map(({ groupId }) => groupId);
        await liftPinsOfLeaver(tx, integrationId, screened[0]!.remoteUserId, groupIds);
      }
      const pairs = new Map(remoteGroups.map(({ groupId }) => [groupId, [userId]]));
      await this.marks.mark(tx, integrationId, pairs, actor.requestId);
      if (remoteGroups.length < ROWS_PER_STATEMENT) return;
      after = remoteGroups.at(-1)!.remoteGroupId;
      await yieldToEventLoop();
    }
  }
}

function groupsOf(tx: Transaction, userId: string, after: string): Promise<GroupOfLeaver[]> {
  return tx.query<GroupOfLeaver>(
    `SELECT * FROM (
       SELECT g.id AS remoteGroupId, g.groupId AS groupId, m.remoteUserId AS remoteUserId, m.state AS state,
              m.reason AS reason, CASE WHEN s.id IS NULL THEN 1 ELSE 0 END AS deleted,
              CASE WHEN EXISTS (SELECT 1 FROM held_item h WHERE h.groupId = g.groupId AND h.subject = m.remoteUserId)
                   THEN 1 ELSE 0 END AS screened
       FROM remote_user u
       JOIN remote_member m ON m.remoteUserId = u.remoteUserId
       JOIN remote_group g ON g.id = m.remoteGroupId AND g.integrationId = u.integrationId
       LEFT JOIN scim_group s ON s.id = g.groupId AND s.deletedAt IS NULL
       WHERE u.userId = ? AND m.remoteGroupId > ?
     ) t
     WHERE t.state = 'removing' OR t.reason = ? OR t.deleted = 1 OR t.screened = 1
     ORDER BY t.remoteGroupId LIMIT ${ROWS_PER_STATEMENT}`,
    [userId, after, WAITS_FOR_ADDITIONS],
  );
}
