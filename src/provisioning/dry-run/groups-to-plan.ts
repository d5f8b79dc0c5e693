import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import { Slice } from '../../event-loop/slice';
import type { Integration } from '../../integrations/integration.entity';
import { EMAIL_DIFFERS } from '../plan/link-plan';

interface Candidate {
  id: string;
  /** 1 if the group may need work. */
  due: number;
}

/** Finds the groups that may need work. */
@Injectable()
export class GroupsToPlan {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /** In the order of their ids, with deleted ones. */
  async after(integration: Integration, after: string, limit: number): Promise<{ id: string }[]> {
    const slice = new Slice();
    const found = new Set([
      ...(await first(limit, this.changed(slice, integration.id, after))),
      ...(await first(limit, this.withRemoteGroup(slice, integration, after))),
      ...(await this.ofPeopleToReview(slice, integration.id, after, limit)),
    ]);
    return [...found]
      .sort()
      .slice(0, limit)
      .map((id) => ({ id }));
  }

  private changed(pauses: Pauses, integrationId: string, after: string): AsyncGenerator<Candidate[]> {
    return keysetSlices(pauses, (last, limit) =>
      this.reader.query(
        `SELECT g.id AS id, CASE WHEN c.groupId IS NULL THEN 0 ELSE 1 END AS due
         FROM (SELECT id FROM scim_group WHERE integrationId = ? AND id > ? ORDER BY id LIMIT ?) g
         LEFT JOIN group_change c ON c.groupId = g.id ORDER BY g.id`,
        [integrationId, last?.id ?? after, limit],
      ),
    );
  }

  /** Also groups whose rows are deleted. */
  private withRemoteGroup(
    pauses: Pauses,
    { id, deletingSince }: Integration,
    after: string,
  ): AsyncGenerator<Candidate[]> {
    return keysetSlices(pauses, (last, limit) =>
      this.reader.query(
        `SELECT r.groupId AS id, CASE WHEN r.state <> 'synced' OR r.deletingSince IS NOT NULL
             OR r.nextAttemptAt IS NOT NULL OR c.groupId IS NOT NULL OR ? = 1 THEN 1 ELSE 0 END AS due
         FROM (SELECT groupId, state, deletingSince, nextAttemptAt FROM remote_group
               WHERE integrationId = ? AND groupId > ? ORDER BY groupId LIMIT ?) r
         LEFT JOIN group_change c ON c.groupId = r.groupId ORDER BY r.groupId`,
        [deletingSince === null ? 0 : 1, id, last?.id ?? after, limit],
      ),
    );
  }

  /** Groups of users whose link comes from a former address and whose look-up is due. */
  private async ofPeopleToReview(
    slice: Slice,
    integrationId: string,
    after: string,
    limit: number,
  ): Promise<string[]> {
    type Person = { userId: string; nextCheckAt: number };
    const now = Date.now();
    const people = keysetSlices<Person>(slice, (last, most) =>
      this.reader.query(
        `SELECT userId, nextCheckAt FROM remote_user
         WHERE integrationId = ? AND reason = '${EMAIL_DIFFERS}' AND nextCheckAt >= ? AND nextCheckAt <= ?
           AND (nextCheckAt > ? OR userId > ?)
         ORDER BY nextCheckAt, userId LIMIT ?`,
        [integrationId, last?.nextCheckAt ?? 0, now, last?.nextCheckAt ?? -1, last?.userId ?? '', most],
      ),
    );
    let least: string[] = [];
    for await (const some of people) {
      for (const { userId } of some) {
        // A page cannot hold more groups of one user.
        const groups = await this.reader.query<{ groupId: string }[]>(
          `SELECT groupId FROM group_member WHERE integrationId = ? AND userId = ? AND groupId > ?
           ORDER BY groupId LIMIT ?`,
          [integrationId, userId, after, limit],
        );
        least = [...new Set([...least, ...groups.map(({ groupId }) => groupId)])].sort().slice(0, limit);
        if (slice.isOver) await slice.next();
      }
    }
    return least;
  }
}

/** The first groups that are due. */
async function first(limit: number, slices: AsyncIterable<Candidate[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const candidates of slices) {
    for (const { id, due } of candidates) if (Number(due) === 1) found.push(id);
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}
