import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { isLeaverStillOnTeam } from './leavers';
import { GROUPS, GROUP_STATE, IS_LISTED } from './listed-groups';
import { GROUP_STATES, type GroupState } from './remote-group.entity';

export interface OverviewFigures {
  groups: Record<GroupState, number>;
  members: { desired: number; applied: number; pending: number };
  /** How long the oldest change of the IdP has not been looked at; null where there is none. */
  oldestPendingSeconds: number | null;
  leaversStillOnTeam: number;
  reconciliation: {
    /** Epoch milliseconds; null before the first time. */
    lastCompletedAt: number | null;
    /** Epoch milliseconds; null before the first run, and while it is being deleted. */
    nextAt: number | null;
    /** Why the last look at the whole target did not see everything; null where it did. */
    problem: { reason: string; message: string } | null;
  };
}

/** One integration in figures. */
@Injectable()
export class Overview {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  async of(integrationId: string): Promise<OverviewFigures> {
    const [groups, members, oldestPendingSeconds, leaversStillOnTeam, reconciliation] = await Promise.all([
      this.groups(integrationId),
      this.members(integrationId),
      this.oldestPendingSeconds(integrationId),
      this.leaversStillOnTeam(integrationId),
      this.reconciliation(integrationId),
    ]);
    return { groups, members, oldestPendingSeconds, leaversStillOnTeam, reconciliation };
  }

  /** Those whom the list of groups shows, tombstones included. */
  private async groups(integrationId: string): Promise<Record<GroupState, number>> {
    const rows = await this.reader.query<{ state: GroupState; counted: number }[]>(
      `SELECT s.state AS state, COUNT(*) AS counted FROM (
         SELECT ${GROUP_STATE} AS state FROM ${GROUPS} WHERE g.integrationId = ? AND ${IS_LISTED}
       ) s GROUP BY s.state`,
      [integrationId],
    );
    const counts = Object.fromEntries(GROUP_STATES.map((state) => [state, 0])) as Record<GroupState, number>;
    for (const { state, counted } of rows) counts[state] = Number(counted);
    return counts;
  }

  private async members(integrationId: string): Promise<OverviewFigures['members']> {
    const [row] = await this.reader.query<[{ desired: number; applied: number | null }]>(
      `SELECT COUNT(*) AS desired, SUM(CASE WHEN t.state = 'present' THEN 1 ELSE 0 END) AS applied
       FROM group_member m
       JOIN scim_group g ON g.id = m.groupId AND g.deletedAt IS NULL
       JOIN scim_user u ON u.id = m.userId AND u.active = 1 AND u.deletedAt IS NULL
       LEFT JOIN remote_group r ON r.integrationId = m.integrationId AND r.groupId = m.groupId
       LEFT JOIN remote_user l ON l.userId = m.userId
       LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
       WHERE m.integrationId = ?`,
      [integrationId],
    );
    const desired = Number(row.desired);
    const applied = Number(row.applied ?? 0);
    return { desired, applied, pending: desired - applied };
  }

  private async oldestPendingSeconds(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ since: number | null }]>(
      'SELECT MIN(since) AS since FROM group_change WHERE integrationId = ?',
      [integrationId],
    );
    return row.since === null ? null : Math.max(0, Math.floor((Date.now() - Number(row.since)) / 1000));
  }

  /** People, in however many teams they are. */
  private async leaversStillOnTeam(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<[{ leavers: number }]>(
      `SELECT COUNT(DISTINCT t.remoteUserId) AS leavers
       FROM remote_group g JOIN remote_member t ON t.remoteGroupId = g.id
       WHERE g.integrationId = ? AND ${isLeaverStillOnTeam('t', 'g.integrationId')}`,
      [integrationId],
    );
    return Number(row.leavers);
  }

  private async reconciliation(integrationId: string): Promise<OverviewFigures['reconciliation']> {
    const [row] = await this.reader.query<
      {
        reconciledAt: number | null;
        reconcileAt: number | null;
        reconcileReason: string | null;
        reconcileMessage: string | null;
      }[]
    >(
      `SELECT reconciledAt, reconcileAt, reconcileReason, reconcileMessage FROM integration_work
       WHERE integrationId = ?`,
      [integrationId],
    );
    const time = (value: number | null | undefined) => (value ? Number(value) : null);
    return {
      lastCompletedAt: time(row?.reconciledAt),
      nextAt: time(row?.reconcileAt),
      problem: row?.reconcileReason
        ? { reason: row.reconcileReason, message: row.reconcileMessage ?? '' }
        : null,
    };
  }
}
