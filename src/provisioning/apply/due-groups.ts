import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList, throughIndex } from '../../database/dialect';
import { type Lease, Leases } from '../schedule/lease';
import { CHANGE_IS_DUE } from '../state/due-changes';

/** With more users than this to look up or to call for, a group is large. */
const SMALL_GROUP = 25;

/** Ids of changed groups, by the amount of work. */
export interface ChangedGroups {
  /** Few users or the name have changed. */
  inPart: string[];
  /** Small groups that are compared as a whole. */
  whole: string[];
  /** As `whole`, but users must be looked up first. */
  lookUps: string[];
  large: string[];
  /** Some groups were only now found to be large: small ones may follow beyond the limit. */
  isIncomplete: boolean;
}

interface ChangedRow {
  groupId: string;
  whole: number;
  large: number | null;
  lookUps: number | null;
  isLarge: number;
  hasLookUps: number;
}

/** Due groups by kind of work; each list has the oldest first. */
@Injectable()
export class DueGroups {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /** Changed groups. A list that is shorter than `limit` is complete. */
  async changed(lease: Lease, now: number, limit: number): Promise<ChangedGroups> {
    const { integrationId } = lease;
    const first = await this.read(integrationId, '1 = 1', now, limit);
    // Rows come in index order: with many of one kind, the other kinds may be missing.
    const rows = first.length < limit ? first : await this.ofEachKind(integrationId, now, limit);
    const isLarge = (row: ChangedRow) => Number(row.isLarge) === 1;
    const hasLookUps = (row: ChangedRow) => !isLarge(row) && Number(row.hasLookUps) === 1;
    const isWhole = (row: ChangedRow) => Number(row.whole) === 1;
    const newlyLarge = rows.filter((row) => row.large === null && isLarge(row));
    const newlyLookUps = rows.filter((row) => row.lookUps === null && hasLookUps(row));
    if (newlyLarge.length > 0) await this.store(lease, 'large', newlyLarge);
    if (newlyLookUps.length > 0) await this.store(lease, 'lookUps', newlyLookUps);
    const idsWhere = (is: (row: ChangedRow) => boolean) => rows.filter(is).map(({ groupId }) => groupId);
    return {
      inPart: idsWhere((row) => !isLarge(row) && !isWhole(row)),
      whole: idsWhere((row) => !isLarge(row) && isWhole(row) && !hasLookUps(row)),
      lookUps: idsWhere(hasLookUps),
      large: idsWhere(isLarge),
      isIncomplete: rows.length >= limit && newlyLarge.length + newlyLookUps.length > 0,
    };
  }

  /**
   * Unchanged groups with a due retry. In a postponed group only removals of leavers are retried, which
   * `postponed` finds; in the remote group of a deleted group they are found here.
   */
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
         AND (r.notBefore IS NULL OR r.notBefore <= ? OR r.deletingSince IS NOT NULL)
       ORDER BY r.nextAttemptAt LIMIT ?`,
      [now, now, integrationId, now, now, limit],
    );
    const idsWhere = (large: boolean) =>
      rows.filter((row) => Boolean(Number(row.large)) === large).map(({ groupId }) => groupId);
    return { small: idsWhere(false), large: idsWhere(true) };
  }

  /** Postponed groups whose next look is due before their retry: a leaver has to be removed. */
  async postponed(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group
       WHERE integrationId = ? AND nextAttemptAt <= ? AND notBefore > ? AND deletingSince IS NULL
       ORDER BY nextAttemptAt LIMIT ?`,
      [integrationId, now, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** Groups of an integration that is being deleted, as far as they have a row for the target. */
  async toBeReleased(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group
       WHERE integrationId = ? AND (notBefore IS NULL OR notBefore <= ? OR nextAttemptAt <= ?)
       ORDER BY groupId LIMIT ?`,
      [integrationId, now, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** When the next group of this integration becomes due without a new change. */
  async next(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ dueAt: number | null }]>(
      'SELECT MIN(nextAttemptAt) AS dueAt FROM remote_group WHERE integrationId = ?',
      [integrationId],
    );
    return row.dueAt === null ? null : Number(row.dueAt);
  }

  private async ofEachKind(integrationId: string, now: number, limit: number): Promise<ChangedRow[]> {
    const kinds = [
      'c.large IS NULL AND c.lookUps IS NULL AND c.whole = 0',
      'c.large IS NULL AND c.lookUps IS NULL AND c.whole = 1',
      'c.large IS NULL AND c.lookUps = 1',
      'c.large = 1',
    ];
    const rows: ChangedRow[] = [];
    for (const kind of kinds) rows.push(...(await this.read(integrationId, kind, now, limit)));
    return rows;
  }

  /** A deleted group is one call, whatever its number of members, so it is never large. */
  private read(integrationId: string, kind: string, now: number, limit: number): Promise<ChangedRow[]> {
    return this.reader.query<ChangedRow[]>(
      `SELECT c.groupId AS groupId, c.whole AS whole, c.large AS large, c.lookUps AS lookUps,
         CASE WHEN c.large = 1 THEN 1
           WHEN ${moreThanFew('member_change')} OR (c.whole = 1 AND ${moreThanFew('group_member')}) THEN
             (SELECT COUNT(*) FROM scim_group g WHERE g.id = c.groupId AND g.deletedAt IS NULL)
           ELSE 0 END AS isLarge,
         CASE WHEN c.lookUps = 1 THEN 1
           WHEN c.large = 1 OR c.whole = 0 OR ${moreThanFew('group_member')} THEN 0
           WHEN ${HAS_UNKNOWN} THEN 1 ELSE 0 END AS hasLookUps
       FROM ${throughIndex('group_change c', 'group_change_by_size')}
       LEFT JOIN remote_group r ON r.integrationId = c.integrationId AND r.groupId = c.groupId
       WHERE c.integrationId = ? AND ${kind} AND ${CHANGE_IS_DUE}
       ORDER BY c.large, c.lookUps, c.whole, c.since LIMIT ?`,
      [now, integrationId, now, now, limit],
    );
  }

  /**
   * Stores the result, so that it is computed once. Later reads find a few other groups among ten thousand of
   * these without checking them again.
   */
  private async store(lease: Lease, what: 'large' | 'lookUps', groups: readonly ChangedRow[]): Promise<void> {
    const groupIds = groups.map(({ groupId }) => groupId);
    await this.leases.run(lease, (tx) =>
      tx.query(`UPDATE group_change SET ${what} = 1 WHERE groupId IN (${inList(groupIds)})`, groupIds),
    );
  }
}

/** SQL condition on `group_change c`. Steps along the index no further than needed. */
function moreThanFew(table: 'member_change' | 'group_member'): string {
  return `(SELECT m.userId FROM ${table} m WHERE m.groupId = c.groupId
           ORDER BY m.userId LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}

/** SQL condition on `group_change c` of a small group. Parameter: the time. */
const HAS_UNKNOWN = `EXISTS (SELECT 1 FROM group_member m
  JOIN scim_user u ON u.id = m.userId AND u.active = 1 AND u.deletedAt IS NULL
  LEFT JOIN remote_user l ON l.userId = m.userId
  WHERE m.groupId = c.groupId AND (l.userId IS NULL OR l.nextCheckAt <= ?))`;

/** SQL condition on `remote_group r`. Parameter: the time. */
function manyWait(table: 'remote_member' | 'parked_member'): string {
  return `(SELECT m.nextAttemptAt FROM ${table} m WHERE m.remoteGroupId = r.id AND m.nextAttemptAt <= ?
           ORDER BY m.nextAttemptAt LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}
