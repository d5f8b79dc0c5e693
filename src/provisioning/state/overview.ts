import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { keysetSlices } from '../../database/keyset-slices';
import { currentWork, onBehalfOf } from '../../event-loop/current-work';
import { Slice } from '../../event-loop/slice';
import type { Integration } from '../../integrations/integration.entity';
import { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';
import { type LinkFlag, flaggedLinks } from './flagged-links';
import { HAS_WAITING_MEMBERS, leaversOnTeam } from './leavers';
import { groupStates } from './listed-groups';
import { MembershipCounts } from './membership-counts';
import { GROUP_STATES, type GroupState } from './remote-group.entity';
import { type Standstill, standstillOf } from './standstill';

export interface OverviewFigures {
  groups: Record<GroupState, number>;
  members: { desired: number; applied: number; pending: number };
  /** How long the oldest change of the IdP has not been looked at; null where there is none. */
  oldestPendingSeconds: number | null;
  leaversStillOnTeam: number;
  /** Active users by what is wrong with the person whom they are linked to. */
  links: { emailDiffers: number; pinnedAddressChanged: number };
  reconciliation: {
    /** Epoch milliseconds; null before the first time. */
    lastCompletedAt: number | null;
    /** Epoch milliseconds; null before the first run, and while it is being deleted. */
    nextAt: number | null;
    /** Why the last look at the whole target did not see everything; null where it did. */
    problem: { reason: string; message: string } | null;
  };
}

/** One integration in figures: exact, and counted a slice at a time. */
@Injectable()
export class Overview {
  private readonly underWay = new Map<string, Promise<OverviewFigures>>();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly memberships: MembershipCounts,
  ) {}

  /** Whoever asks while an integration is being counted gets what comes of that: it is counted once at a time. */
  of(integration: Integration): Promise<OverviewFigures> {
    const { id: integrationId } = integration;
    // Whoever asked first may leave before the others.
    const work = { what: 'count for the overview', lane: currentWork().lane };
    const counting =
      this.underWay.get(integrationId) ??
      onBehalfOf(work, () => this.count(integrationId, standstillOf(integration)));
    this.underWay.set(integrationId, counting);
    return counting;
  }

  private async count(integrationId: string, standstill: Standstill | null): Promise<OverviewFigures> {
    try {
      const slice = new Slice();
      return {
        groups: await this.groups(slice, integrationId, standstill),
        members: await this.members(slice, integrationId),
        oldestPendingSeconds: await this.oldestPendingSeconds(integrationId),
        leaversStillOnTeam: await this.leaversStillOnTeam(slice, integrationId),
        links: {
          emailDiffers: await this.flagged(slice, integrationId, EMAIL_DIFFERS),
          pinnedAddressChanged: await this.flagged(slice, integrationId, PINNED_ADDRESS_CHANGED),
        },
        reconciliation: await this.reconciliation(integrationId),
      };
    } finally {
      this.underWay.delete(integrationId);
    }
  }

  /** Those whom the list of groups shows, tombstones included. */
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

  /** People, in however many teams they are. */
  private async leaversStillOnTeam(slice: Slice, integrationId: string): Promise<number> {
    const leavers = new Set<string>();
    const teams = keysetSlices<{ id: string; groupId: string; waits: number }>(slice, (last, limit) =>
      this.reader.query(
        `SELECT r.id AS id, r.groupId AS groupId, CASE WHEN ${HAS_WAITING_MEMBERS} THEN 1 ELSE 0 END AS waits
         FROM (SELECT id, groupId FROM remote_group WHERE integrationId = ? AND groupId > ?
               ORDER BY groupId LIMIT ?) r ORDER BY r.groupId`,
        [integrationId, last?.groupId ?? '', limit],
      ),
    );
    for await (const some of teams) {
      for (const { id } of some.filter(({ waits }) => Number(waits) === 1)) {
        for await (const found of leaversOnTeam(this.reader, slice, integrationId, id)) {
          for (const { remoteUserId } of found) leavers.add(remoteUserId);
        }
      }
    }
    return leavers.size;
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
