import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { keysetSlices } from '../../database/keyset-slices';
import { currentWork, onBehalfOf } from '../../event-loop/current-work';
import { type CostlyResult, CostlyResults } from '../../event-loop/costly-results';
import { Slice } from '../../event-loop/slice';
import type { Integration } from '../../integrations/integration.entity';
import { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';
import { type LinkFlag, flaggedLinks } from './flagged-links';
import { HAS_WAITING_MEMBERS, leaversOnTeam } from './leavers';
import { groupStates } from './listed-groups';
import { MembershipCounts } from './membership-counts';
import { GROUP_STATES, type GroupState } from './remote-group.entity';
import { type Standstill, standstillOf } from './standstill';
import { HAS_WAITING_LEAVERS, waitingLeavers } from './waiting-leavers';

/** Below this number of groups and members, each request counts again. */
const MUCH_TO_COUNT = 5_000;

/** The counted figures. */
interface Counts {
  /** Epoch milliseconds. */
  countedAt: number;
  groups: Record<GroupState, number>;
  members: { desired: number; applied: number; pending: number };
  leaversStillOnTeam: number;
  /** Leavers whose removal the guard has held for more than a day. */
  leaversAwaitingDecision: number;
  /** Active users with a doubtful link, by reason. */
  links: { emailDiffers: number; pinnedAddressChanged: number };
}

export interface OverviewFigures extends Counts {
  /** The age of the oldest unprocessed change of the IdP; null without one. */
  oldestPendingSeconds: number | null;
  reconciliation: {
    /** Epoch milliseconds; null before the first time. */
    lastCompletedAt: number | null;
    /** Epoch milliseconds; null before the first run, and while it is being deleted. */
    nextAt: number | null;
    /** Why the last look at the whole target was not complete; null if it was. */
    problem: { reason: string; message: string } | null;
  };
}

/** The figures of one integration: exact for the time that they state, and counted in slices. */
@Injectable()
export class Overview {
  private readonly counted = new CostlyResults<Counts>();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly memberships: MembershipCounts,
  ) {}

  /** Concurrent requests share the count of a large integration. */
  async of(integration: Integration): Promise<OverviewFigures> {
    const { id: integrationId } = integration;
    const standstill = standstillOf(integration);
    // Not on behalf of the first request: it may end before the others.
    const work = { what: 'count for the overview', lane: currentWork().lane };
    // A standstill changes the states of groups at once.
    const key = JSON.stringify([integrationId, standstill]);
    const counts = await this.counted.get(key, () =>
      onBehalfOf(work, () => this.count(integrationId, standstill)),
    );
    return {
      ...counts,
      oldestPendingSeconds: await this.oldestPendingSeconds(integrationId),
      reconciliation: await this.reconciliation(integrationId),
    };
  }

  private async count(integrationId: string, standstill: Standstill | null): Promise<CostlyResult<Counts>> {
    const countedAt = Date.now();
    const slice = new Slice();
    const groups = await this.groups(slice, integrationId, standstill);
    const members = await this.members(slice, integrationId);
    const leavers = await this.leavers(slice, integrationId);
    const links = {
      emailDiffers: await this.flagged(slice, integrationId, EMAIL_DIFFERS),
      pinnedAddressChanged: await this.flagged(slice, integrationId, PINNED_ADDRESS_CHANGED),
    };
    const isMuch = Object.values(groups).reduce((sum, some) => sum + some, members.desired) >= MUCH_TO_COUNT;
    return {
      result: { countedAt, groups, members, ...leavers, links },
      busyMs: isMuch ? slice.busyMs : 0,
    };
  }

  /** The groups that the list shows, with tombstones. */
  private async groups(
    slice: Slice,
    integrationId: string,
    standstill: Standstill | null,
  ): Promise<Record<GroupState, number>> {
    const counts = Object.fromEntries(GROUP_STATES.map((state) => [state, 0])) as Record<GroupState, number>;
    for await (const groups of groupStates(this.reader, slice, integrationId, standstill)) {
      for (const { state, listed } of groups) if (Number(listed) === 1) counts[state] += 1;
    }
    return counts;
  }

  private async members(slice: Slice, integrationId: string): Promise<OverviewFigures['members']> {
    const { desired, applied } = await this.memberships.ofIntegration(slice, integrationId);
    return { desired, applied, pending: desired - applied };
  }

  private async oldestPendingSeconds(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ since: number | null }]>(
      'SELECT MIN(since) AS since FROM group_change WHERE integrationId = ?',
      [integrationId],
    );
    return row.since === null ? null : Math.max(0, Math.floor((Date.now() - Number(row.since)) / 1000));
  }

  /** Counts each remote user once, however many remote groups it is in. */
  private async leavers(
    slice: Slice,
    integrationId: string,
  ): Promise<Pick<Counts, 'leaversStillOnTeam' | 'leaversAwaitingDecision'>> {
    const kept = new Set<string>();
    const held = new Set<string>();
    const teams = keysetSlices<{ id: string; groupId: string; keeps: number; holds: number }>(
      slice,
      (last, limit) =>
        this.reader.query(
          `SELECT r.id AS id, r.groupId AS groupId, CASE WHEN ${HAS_WAITING_MEMBERS} THEN 1 ELSE 0 END AS keeps,
                  CASE WHEN ${HAS_WAITING_LEAVERS} THEN 1 ELSE 0 END AS holds
           FROM (SELECT id, groupId FROM remote_group WHERE integrationId = ? AND groupId > ?
                 ORDER BY groupId LIMIT ?) r ORDER BY r.groupId`,
          [integrationId, last?.groupId ?? '', limit],
        ),
    );
    for await (const some of teams) {
      for (const { id } of some.filter(({ keeps }) => Number(keeps) === 1)) {
        for await (const found of leaversOnTeam(this.reader, slice, integrationId, id)) {
          for (const { remoteUserId } of found) kept.add(remoteUserId);
        }
      }
      for (const { groupId } of some.filter(({ holds }) => Number(holds) === 1)) {
        for await (const found of waitingLeavers(this.reader, slice, groupId)) {
          for (const remoteUserId of found) held.add(remoteUserId);
        }
      }
    }
    return { leaversStillOnTeam: kept.size, leaversAwaitingDecision: held.size };
  }

  private async flagged(slice: Slice, integrationId: string, flag: LinkFlag): Promise<number> {
    let count = 0;
    for await (const links of flaggedLinks(this.reader, slice, integrationId, flag)) {
      count += links.filter(({ active }) => active).length;
    }
    return count;
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
