import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import { type Lease, Leases } from '../schedule/lease';
import { CHANGE_IS_DUE } from '../state/due-changes';

/** More people than that, to look up or to call for, are much to do for one group. */
export const SMALL_GROUP = 25;

/** Groups that have something to do by now, by what it is; each list has the oldest first. */
@Injectable()
export class DueGroups {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /**
   * Groups of which little has changed.
   *
   * @param compared whether the whole group has to be compared, or only some of its people or its name
   */
  async small(lease: Lease, compared: 'whole' | 'in part', now: number, limit: number): Promise<string[]> {
    const groupIds = await this.changed(
      lease.integrationId,
      `c.large IS NULL AND c.whole = ${compared === 'whole' ? 1 : 0}`,
      now,
      limit,
    );
    const large = new Set(await this.largeAmong(groupIds));
    if (large.size > 0) await this.noteLarge(lease, [...large]);
    return groupIds.filter((groupId) => !large.has(groupId));
  }

  /** Groups of which much has changed. */
  large(integrationId: string, now: number, limit: number): Promise<string[]> {
    return this.changed(integrationId, 'c.large = 1', now, limit);
  }

  /** Groups that did not change, and of which something is tried again. */
  async waiting(
    integrationId: string,
    now: number,
    limit: number,
  ): Promise<{ small: string[]; large: string[] }> {
    const rows = await this.reader.query<{ groupId: string; large: number }[]>(
      `SELECT r.groupId AS groupId, CASE WHEN ${manyWait('remote_member')} OR ${manyWait('parked_member')}
         THEN 1 ELSE 0 END AS large
       FROM remote_group r LEFT JOIN group_change c ON c.groupId = r.groupId
       WHERE r.integrationId = ? AND r.nextAttemptAt <= ? AND c.groupId IS NULL
       ORDER BY r.nextAttemptAt LIMIT ?`,
      [now, now, integrationId, now, limit],
    );
    const those = (large: boolean) =>
      rows.filter((row) => Boolean(Number(row.large)) === large).map(({ groupId }) => groupId);
    return { small: those(false), large: those(true) };
  }

  /** Groups of an integration that is being deleted, of which anything is known in the target. */
  async toBeLetGo(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group WHERE integrationId = ? AND (notBefore IS NULL OR notBefore <= ?)
       ORDER BY groupId LIMIT ?`,
      [integrationId, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** When the next group of this integration comes due by itself. */
  async next(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ dueAt: number | null }]>(
      'SELECT MIN(nextAttemptAt) AS dueAt FROM remote_group WHERE integrationId = ?',
      [integrationId],
    );
    return row.dueAt === null ? null : Number(row.dueAt);
  }

  private async changed(integrationId: string, which: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT c.groupId AS groupId FROM group_change c
       LEFT JOIN remote_group r ON r.integrationId = c.integrationId AND r.groupId = c.groupId
       WHERE c.integrationId = ? AND ${which} AND ${CHANGE_IS_DUE}
       ORDER BY c.since LIMIT ?`,
      [integrationId, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** A group that is gone is one call, however many were in it. */
  private async largeAmong(groupIds: readonly string[]): Promise<string[]> {
    if (groupIds.length === 0) return [];
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT c.groupId AS groupId FROM group_change c
       JOIN scim_group g ON g.id = c.groupId AND g.deletedAt IS NULL
       WHERE c.groupId IN (${inList(groupIds)})
         AND (${moreThanFew('member_change')} OR (c.whole = 1 AND ${moreThanFew('group_member')}))`,
      [...groupIds],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** Looked at once: of ten thousand such groups the few others are found without a look at these. */
  private async noteLarge(lease: Lease, groupIds: readonly string[]): Promise<void> {
    await this.leases.run(lease, (tx) =>
      tx.query(`UPDATE group_change SET large = 1 WHERE groupId IN (${inList(groupIds)})`, [...groupIds]),
    );
  }
}

/** Of the `group_change` c. Steps along an index no further than it has to. */
function moreThanFew(table: 'member_change' | 'group_member'): string {
  return `(SELECT m.userId FROM ${table} m WHERE m.groupId = c.groupId
           ORDER BY m.userId LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}

/** Of the `remote_group` r. Takes the time. */
function manyWait(table: 'remote_member' | 'parked_member'): string {
  return `(SELECT m.nextAttemptAt FROM ${table} m WHERE m.remoteGroupId = r.id AND m.nextAttemptAt <= ?
           ORDER BY m.nextAttemptAt LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}
