import { Injectable } from '@nestjs/common';
import type { ReleaseMode } from '../../directory/change.entity';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import type { DataSource, Repository } from 'typeorm';
import type { IntegrationProvider } from '../../integrations/provider/integration-provider';
import { inList } from '../../database/dialect';
import { RemoteGroup } from '../state/remote-group.entity';

/** One group as the engine has read it. It may acknowledge only the mark that it read. */
export interface LoadedGroup {
  groupId: string;
  change: {
    mark: string;
    cause: string | null;
    whole: boolean;
    wholeCause: string | null;
    letGo: ReleaseMode | null;
  } | null;
  /** Null once the IdP deleted it. */
  group: {
    /** As the target keeps it. */
    displayName: string;
    generation: number;
  } | null;
  remote: RemoteGroup | null;
  /** By the monotonic clock, in milliseconds. */
  readAt: number;
}

/** The name to look up for a group without a remote group and without an open creation. */
export function nameWithoutRemoteGroup({ group, remote }: LoadedGroup): string | null {
  return group && !remote?.remoteId && !remote?.createIntent ? group.displayName : null;
}

export function namesWithoutRemoteGroup(views: readonly LoadedGroup[]): string[] {
  return views.map(nameWithoutRemoteGroup).filter((name) => name !== null);
}

@Injectable()
export class GroupLoader {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    @InjectRepository(RemoteGroup) private readonly remoteGroups: Repository<RemoteGroup>,
  ) {}

  /** The mark is read before the rows: a change that comes in between is newer than the mark, and stays to be done. */
  async read(
    integrationId: string,
    groupId: string,
    provider: Pick<IntegrationProvider, 'keptGroupName'>,
  ): Promise<LoadedGroup> {
    const readAt = performance.now();
    const [change] = await this.reader.query<
      (Omit<NonNullable<LoadedGroup['change']>, 'whole'> & { whole: number })[]
    >('SELECT mark, cause, whole, wholeCause, letGo FROM group_change WHERE groupId = ?', [groupId]);
    const [group] = await this.reader.query<{ displayName: string; generation: number }[]>(
      'SELECT displayName, generation FROM scim_group WHERE id = ? AND integrationId = ? AND deletedAt IS NULL',
      [groupId, integrationId],
    );
    const remote = await this.remoteGroups.findOneBy({ integrationId, groupId });
    return {
      groupId,
      change: change ? { ...change, whole: Boolean(change.whole) } : null,
      group: group ? { ...group, displayName: provider.keptGroupName(group.displayName) } : null,
      remote,
      readAt,
    };
  }

  /**
   * The `remote_group` id of a postponed group that the IdP wants, and the end of the wait; null if it is not
   * postponed.
   */
  async postponedUntil(
    integrationId: string,
    groupId: string,
    now: number,
  ): Promise<{ id: string; until: number } | null> {
    const [row] = await this.reader.query<{ id: string; notBefore: number }[]>(
      `SELECT id, notBefore FROM remote_group
       WHERE integrationId = ? AND groupId = ? AND notBefore > ? AND deletingSince IS NULL`,
      [integrationId, groupId, now],
    );
    return row ? { id: row.id, until: Number(row.notBefore) } : null;
  }

  /** Whether the integration has, or may have, a remote group. */
  async holdsRemoteGroups(integrationId: string): Promise<boolean> {
    const rows = await this.reader.query<unknown[]>(
      `SELECT 1 FROM remote_group WHERE integrationId = ? AND (remoteId IS NOT NULL OR createIntent IS NOT NULL)
       LIMIT 1`,
      [integrationId],
    );
    return rows.length > 0;
  }

  /** How many groups of the integration wait for this reason, without `exceptGroupIds` (remote ids). */
  async stoppedFor(
    integrationId: string,
    reason: string,
    exceptGroupIds: readonly string[],
  ): Promise<{ stopped: number; all: number }> {
    const others =
      exceptGroupIds.length > 0
        ? `(remoteId IS NULL OR remoteId NOT IN (${inList(exceptGroupIds)}))`
        : '1 = 1';
    const [row] = await this.reader.query<[{ stopped: number | null; counted: number }]>(
      `SELECT SUM(CASE WHEN (reason = ? OR nameReason = ?) AND ${others} THEN 1 ELSE 0 END) AS stopped, COUNT(*) AS counted
       FROM remote_group WHERE integrationId = ?`,
      [reason, reason, ...exceptGroupIds, integrationId],
    );
    return { stopped: Number(row.stopped ?? 0), all: Number(row.counted) };
  }

  /** The remote id of a group without any problem. */
  async writableGroup(integrationId: string): Promise<string | null> {
    const [row] = await this.reader.query<{ remoteId: string }[]>(
      `SELECT remoteId FROM remote_group
       WHERE integrationId = ? AND state = 'synced' AND remoteId IS NOT NULL AND nameReason IS NULL LIMIT 1`,
      [integrationId],
    );
    return row?.remoteId ?? null;
  }
}
