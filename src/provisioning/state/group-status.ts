import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import { fold } from '../../directory/fold';
import { Slice } from '../../event-loop/slice';
import type { Integration } from '../../integrations/integration.entity';
import { standingFor } from './group-state';
import { HAS_WAITING_MEMBERS, LEAVER_STILL_ON_TEAM, leaverMessage, leaversOnTeam } from './leavers';
import { GROUPS, IS_LISTED, groupState, groupStates } from './listed-groups';
import { MembershipCounts, type GroupMemberCounts } from './membership-counts';
import type { GroupState, Ownership } from './remote-group.entity';
import { type Standstill, duringStandstill, standstillOf } from './standstill';
import type { StatusQuery } from './status-query';
import {
  HAS_WAITING_LEAVERS,
  LEAVER_WAITS_FOR_DECISION,
  LEAVER_WAITS_MESSAGE,
  waitingLeavers,
} from './waiting-leavers';

export interface GroupStatus {
  id: string;
  displayName: string;
  state: GroupState;
  reason: string | null;
  message: string | null;
  generation: number;
  appliedGeneration: number;
  nextAttemptAt: number | null;
  deletingSince: number | null;
  remote: { id: string; name: string; url: string | null; ownership: Ownership } | null;
  members: GroupMemberCounts;
}

/**
 * The states of groups and their remote groups, for the API. Returns one row more than the limit if there are
 * more.
 */
@Injectable()
export class GroupStatuses {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly memberships: MembershipCounts,
  ) {}

  async list(integration: Integration, query: StatusQuery<GroupState>): Promise<GroupStatus[]> {
    const standstill = standstillOf(integration);
    const slice = new Slice();
    const search = query.search === undefined ? '' : fold(query.search);
    const ids: string[] = [];
    const states = groupStates(this.reader, slice, integration.id, standstill, query.after);
    for await (const groups of states) {
      const found = groups.filter(
        ({ state, listed, displayNameKey }) =>
          Number(listed) === 1 &&
          (query.state === undefined || state === query.state) &&
          (search === '' || (displayNameKey ?? '').includes(search)),
      );
      ids.push(...found.map(({ id }) => id));
      if (ids.length > query.limit) break;
    }
    return this.rows(slice, integration.id, standstill, ids.slice(0, query.limit + 1));
  }

  async find(integration: Integration, groupId: string): Promise<GroupStatus | null> {
    const [group] = await this.rows(new Slice(), integration.id, standstillOf(integration), [groupId]);
    return group ?? null;
  }

  async isListed(integrationId: string, groupId: string): Promise<boolean> {
    const rows = await this.reader.query<unknown[]>(
      `SELECT 1 FROM ${GROUPS} WHERE g.integrationId = ? AND g.id = ? AND ${IS_LISTED}`,
      [integrationId, groupId],
    );
    return rows.length > 0;
  }

  private async rows(
    slice: Slice,
    integrationId: string,
    standstill: Standstill | null,
    groupIds: readonly string[],
  ): Promise<GroupStatus[]> {
    if (groupIds.length === 0) return [];
    const rows = await this.reader.query<GroupRow[]>(
      `SELECT g.id AS id, g.displayName AS displayName, g.generation AS generation, g.deletedAt AS deletedAt,
              ${groupState(standstill)} AS state,
              r.reason AS reason, r.message AS message, r.appliedGeneration AS appliedGeneration,
              r.nextAttemptAt AS nextAttemptAt, r.deletingSince AS deletingSince, r.remoteId AS remoteId,
              r.remoteName AS remoteName, r.remoteUrl AS remoteUrl, r.ownership AS ownership, r.id AS remoteGroupId,
              CASE WHEN ${HAS_WAITING_MEMBERS} THEN 1 ELSE 0 END AS waits,
              CASE WHEN ${HAS_WAITING_LEAVERS} THEN 1 ELSE 0 END AS holds
       FROM ${GROUPS} WHERE g.integrationId = ? AND g.id IN (${inList(groupIds)}) AND ${IS_LISTED} ORDER BY g.id`,
      [integrationId, ...groupIds],
    );
    const groups: GroupStatus[] = [];
    for (const row of rows) {
      const group = asGroupStatus(row, await this.counts(slice, integrationId, row));
      const leavers = await this.leavers(slice, integrationId, row);
      const told = leavers === null ? group : { ...group, ...leavers };
      const isUnsettled = leavers === null && ['pending', 'retrying'].includes(group.state);
      groups.push(duringStandstill(told, isUnsettled, standstill));
    }
    return groups;
  }

  private counts(
    slice: Slice,
    integrationId: string,
    { id: groupId, state, remoteGroupId, deletedAt, deletingSince }: GroupRow,
  ): Promise<GroupMemberCounts> {
    return this.memberships.ofGroup(slice, integrationId, {
      groupId,
      remoteGroupId,
      isWanted: deletedAt === null && deletingSince === null,
      // A synced group has no unwanted members.
      isSynced: state === 'synced',
    });
  }

  /**
   * What to report about leavers that are still members; null without leavers. A problem of the whole group
   * matters more than one leaver; a leaver matters more than other members.
   */
  private async leavers(
    slice: Slice,
    integrationId: string,
    { id: groupId, state, waits, holds, remoteGroupId }: GroupRow,
  ): Promise<{ reason: string; message: string } | null> {
    if (Number(holds) === 1 && ['held', 'pending'].includes(state)) {
      let people = 0;
      for await (const some of waitingLeavers(this.reader, slice, groupId)) people += some.length;
      if (people > 0) {
        return { reason: LEAVER_WAITS_FOR_DECISION, message: standingFor(people, LEAVER_WAITS_MESSAGE) };
      }
    }
    if (Number(waits) === 0 || !['partial', 'pending', 'retrying'].includes(state)) return null;
    let first: { message: string | null } | null = null;
    let people = 0;
    for await (const some of leaversOnTeam(this.reader, slice, integrationId, remoteGroupId!)) {
      first ??= some[0] ?? null;
      people += some.length;
    }
    if (first === null) return null;
    return { reason: LEAVER_STILL_ON_TEAM, message: standingFor(people, leaverMessage(first.message)) };
  }
}

interface GroupRow {
  id: string;
  remoteGroupId: string | null;
  /** 1 if a member has not joined or left yet. */
  waits: number;
  /** 1 if the guard has held the removal of a leaver for too long. */
  holds: number;
  displayName: string;
  generation: number;
  state: GroupState;
  reason: string | null;
  message: string | null;
  appliedGeneration: number | null;
  nextAttemptAt: number | null;
  deletedAt: number | null;
  deletingSince: number | null;
  remoteId: string | null;
  remoteName: string | null;
  remoteUrl: string | null;
  ownership: Ownership | null;
}

function asGroupStatus(row: GroupRow, members: GroupMemberCounts): GroupStatus {
  return {
    id: row.id,
    displayName: row.displayName,
    state: row.state,
    reason: row.reason,
    message: row.message,
    generation: row.generation,
    appliedGeneration: row.appliedGeneration ?? 0,
    nextAttemptAt: numberOrNull(row.nextAttemptAt),
    deletingSince: numberOrNull(row.deletingSince),
    remote:
      row.remoteId === null
        ? null
        : { id: row.remoteId, name: row.remoteName!, url: row.remoteUrl, ownership: row.ownership! },
    members,
  };
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}
