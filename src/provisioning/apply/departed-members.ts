import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ChangeMarks } from '../../directory/change-marks';
import { Departures } from '../../directory/departures';
import { WAITS_FOR_ADDITIONS } from '../plan/member-plan';

/**
 * Somebody whom the IdP took out of a group before it deactivated or deleted them is in none of its groups any more by which
 * they would be looked at: where the target refused to let them go, or where they wait for others to join, they are taken
 * out at once, as a leaver.
 */
@Injectable()
export class DepartedMembers implements OnModuleInit {
  constructor(
    private readonly departures: Departures,
    private readonly marks: ChangeMarks,
  ) {}

  onModuleInit(): void {
    this.departures.hear(async (tx, { integrationId, actor }, userId) => {
      const teams = await tx.query<{ groupId: string }>(
        `SELECT g.groupId AS groupId FROM remote_user u
         JOIN remote_member m ON m.remoteUserId = u.remoteUserId AND (m.state = 'removing' OR m.reason = ?)
         JOIN remote_group g ON g.id = m.remoteGroupId AND g.integrationId = u.integrationId
         WHERE u.userId = ?`,
        [WAITS_FOR_ADDITIONS, userId],
      );
      if (teams.length === 0) return;
      const pairs = new Map(teams.map(({ groupId }) => [groupId, [userId]]));
      await this.marks.mark(tx, integrationId, pairs, actor.requestId);
    });
  }
}
