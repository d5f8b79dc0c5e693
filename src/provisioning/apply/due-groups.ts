import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList, throughIndex } from '../../database/dialect';
import { type Lease, Leases } from '../schedule/lease';
import { CHANGE_IS_DUE } from '../state/due-changes';

/** More people than that, to look up or to call for, are much to do for one group. */
const SMALL_GROUP = 25;

/** Ids of groups that changed, by how much there is to do for them. */
export interface ChangedGroups {
  /** Of few of their people, or of their names. */
  inPart: string[];
  /** Small ones that are compared as a whole. */
  whole: string[];
  /** As `whole`, with people who have to be looked up first. */
  lookUps: string[];
  large: string[];
  /** Some turned out to be large only now: small ones may stand behind them. */
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

/** Groups that have something to do by now, by what it is; each list has the oldest first. */
@Injectable()
export class DueGroups {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /** Groups that changed. Each list may be so long, and is complete where it is shorter. */
  async changed(lease: Lease, now: number, limit: number): Promise<ChangedGroups> {
    const { integrationId } = lease;
    const first = await this.read(integrationId, '1 = 1', now, limit);
    // In the order of the index: with so many of one kind the others may not be among them.
    const rows = first.length < limit ? first : await this.ofEachKind(integrationId, now, limit);
    const isLarge = (row: ChangedRow) => Number(row.isLarge) === 1;
    const hasLookUps = (row: ChangedRow) => !isLarge(row) && Number(row.hasLookUps) === 1;
    const isWhole = (row: ChangedRow) => Number(row.whole) === 1;
    const grown = rows.filter((row) => row.large === null && isLarge(row));
    const unknown = rows.filter((row) => row.lookUps === null && hasLookUps(row));
    if (grown.length > 0) await this.note(lease, 'large', grown);
    if (unknown.length > 0) await this.note(lease, 'lookUps', unknown);
    const those = (is: (row: ChangedRow) => boolean) => rows.filter(is).map(({ groupId }) => groupId);
    return {
      inPart: those((row) => !isLarge(row) && !isWhole(row)),
      whole: those((row) => !isLarge(row) && isWhole(row) && !hasLookUps(row)),
      lookUps: those(hasLookUps),
      large: those(isLarge),
      isIncomplete: rows.length >= limit && grown.length + unknown.length > 0,
    };
  }

  /**
   * Groups that did not change, and of which something is tried again. Of one that is put off that is somebody who left:
   * they are looked for by themselves (`putOff`), but in the team of a deleted group.
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
    const those = (large: boolean) =>
      rows.filter((row) => Boolean(Number(row.large)) === large).map(({ groupId }) => groupId);
    return { small: those(false), large: those(true) };
  }

  /** Groups that are put off and whose team somebody is to be taken out of before, as they left the IdP. */
  async postponed(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group
       WHERE integrationId = ? AND nextAttemptAt <= ? AND notBefore > ? AND deletingSince IS NULL
       ORDER BY nextAttemptAt LIMIT ?`,
      [integrationId, now, now, limit],
    );
    return rows.map(({ groupId }) => groupId);
  }

  /** Groups of an integration that is being deleted, of which anything is known in the target. */
  async toBeReleased(integrationId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ groupId: string }[]>(
      `SELECT groupId FROM remote_group
       WHERE integrationId = ? AND (notBefore IS NULL OR notBefore <= ? OR nextAttemptAt <= ?)
       ORDER BY groupId LIMIT ?`,
      [integrationId, now, now, limit],
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

  /** A group that is gone is one call, however many were in it. */
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

  /** Looked at once: of ten thousand such groups the few others are found without a look at these. */
  private async note(lease: Lease, what: 'large' | 'lookUps', groups: readonly ChangedRow[]): Promise<void> {
    const groupIds = groups.map(({ groupId }) => groupId);
    await this.leases.run(lease, (tx) =>
      tx.query(`UPDATE group_change SET ${what} = 1 WHERE groupId IN (${inList(groupIds)})`, groupIds),
    );
  }
}

/** Of the `group_change` c. Steps along an index no further than it has to. */
function moreThanFew(table: 'member_change' | 'group_member'): string {
  return `(SELECT m.userId FROM ${table} m WHERE m.groupId = c.groupId
           ORDER BY m.userId LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}

/** Of the `group_change` c, which has few people. Takes the time. */
const HAS_UNKNOWN = `EXISTS (SELECT 1 FROM group_member m
  JOIN scim_user u ON u.id = m.userId AND u.active = 1 AND u.deletedAt IS NULL
  LEFT JOIN remote_user l ON l.userId = m.userId
  WHERE m.groupId = c.groupId AND (l.userId IS NULL OR l.nextCheckAt <= ?))`;

/** Of the `remote_group` r. Takes the time. */
function manyWait(table: 'remote_member' | 'parked_member'): string {
  return `(SELECT m.nextAttemptAt FROM ${table} m WHERE m.remoteGroupId = r.id AND m.nextAttemptAt <= ?
           ORDER BY m.nextAttemptAt LIMIT 1 OFFSET ${SMALL_GROUP}) IS NOT NULL`;
}
