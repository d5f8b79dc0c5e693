import { Injectable } from '@nestjs/common';
import type { LetGoMode } from '../../directory/change.entity';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import type { DataSource, Repository } from 'typeorm';
import { RemoteGroup } from '../state/remote-group.entity';

/** One group as the engine finds it: what it read first is what it may acknowledge. */
export interface GroupView {
  groupId: string;
  change: { mark: string; whole: boolean; letGo: LetGoMode | null } | null;
  /** Null once the IdP deleted it. */
  group: { displayName: string; generation: number } | null;
  remote: RemoteGroup | null;
}

/** Names to look up: those of groups that have no team yet, nor an unconfirmed creation with a name of its own. */
export function namesWithoutTeam(views: readonly GroupView[]): string[] {
  return views
    .filter(({ group, remote }) => group && !remote?.remoteId && !remote?.createIntent)
    .map(({ group }) => group!.displayName);
}

@Injectable()
export class GroupViews {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    @InjectRepository(RemoteGroup) private readonly remoteGroups: Repository<RemoteGroup>,
  ) {}

  /** The mark is read before the rows: a change that comes in between is newer than the mark, and stays to be done. */
  async read(integrationId: string, groupId: string): Promise<GroupView> {
    const [change] = await this.reader.query<{ mark: string; whole: number; letGo: LetGoMode | null }[]>(
      'SELECT mark, whole, letGo FROM group_change WHERE groupId = ?',
      [groupId],
    );
    const [group] = await this.reader.query<{ displayName: string; generation: number }[]>(
      'SELECT displayName, generation FROM scim_group WHERE id = ? AND integrationId = ? AND deletedAt IS NULL',
      [groupId, integrationId],
    );
    const remote = await this.remoteGroups.findOneBy({ integrationId, groupId });
    return {
      groupId,
      change: change ? { ...change, whole: Boolean(change.whole) } : null,
      group: group ?? null,
      remote,
    };
  }

  /** Groups that have something to do by now: fresh changes first, the oldest of them before others. */
  async due(integrationId: string, now: number, limit: number): Promise<string[]> {
    const changed = await this.reader.query<{ groupId: string }[]>(
      `SELECT c.groupId AS groupId FROM group_change c
       LEFT JOIN remote_group r ON r.integrationId = c.integrationId AND r.groupId = c.groupId
       WHERE c.integrationId = ?
         AND (r.notBefore IS NULL OR r.notBefore <= ? OR (r.blockedMark IS NOT NULL AND r.blockedMark <> c.mark))
       ORDER BY c.since LIMIT ?`,
      [integrationId, now, limit],
    );
    const waited = await this.reader.query<{ groupId: string }[]>(
      'SELECT groupId FROM remote_group WHERE integrationId = ? AND nextAttemptAt <= ? ORDER BY nextAttemptAt LIMIT ?',
      [integrationId, now, limit],
    );
    return [...new Set([...changed, ...waited].map(({ groupId }) => groupId))].slice(0, limit);
  }

  /** Groups of an integration that is being deleted, of which anything is known in the target. */
  async dueToBeLetGo(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group WHERE integrationId = ? AND (notBefore IS NULL OR notBefore <= ?)
       ORDER BY groupId LIMIT ?`,
      [integrationId, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** Whether the integration has a team in the target, or may have one. */
  async holdsTeams(integrationId: string): Promise<boolean> {
    const rows = await this.reader.query<unknown[]>(
      `SELECT 1 FROM remote_group WHERE integrationId = ? AND (remoteId IS NOT NULL OR createIntent IS NOT NULL)
       LIMIT 1`,
      [integrationId],
    );
    return rows.length > 0;
  }

  /** When the next thing of this integration comes due by itself. */
  async nextDue(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ dueAt: number | null }]>(
      'SELECT MIN(nextAttemptAt) AS dueAt FROM remote_group WHERE integrationId = ?',
      [integrationId],
    );
    return row.dueAt === null ? null : Number(row.dueAt);
  }
}
