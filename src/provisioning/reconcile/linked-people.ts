import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksOf } from '../../database/chunks';
import { FOR_UPDATE, inList } from '../../database/dialect';
import { keysetSlices } from '../../database/keyset-slices';
import { Slice } from '../../event-loop/slice';
import type { AccountSnapshot } from '../../integrations/provider/integration-provider';
import type { RunContext } from '../apply/run-context';
import { UserResolution } from '../apply/user-resolution';
import { READS_LAG_MS } from '../plan/just-created';
import { Leases } from '../schedule/lease';
import { unlinkGone } from '../state/remote-links';

const GONE_MESSAGE = 'The person is not in the target any more.';

/** The link of an IdP user to a person whom the target did not show. */
interface LostLink {
  userId: string;
  remoteUserId: string;
  pinned: number;
  /** When the link was made or looked up last; epoch milliseconds. */
  checkedAt: number;
}

/** What a look at the whole target tells of the people whom IdP users are linked to. */
export interface ComparedPeople {
  /** Active users who are linked to somebody. */
  linked: number;
  /** Those of them whose person the target no longer has. */
  missing: number;
  /** All such links, also of inactive users: who left the company is gone for good reason. */
  gone: LostLink[];
}

/** Compares the people whom IdP users are linked to with those whom the target has. */
@Injectable()
export class LinkedPeople {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly users: UserResolution,
  ) {}

  /** @param startedAt when the target was asked; epoch milliseconds */
  async compare(
    integrationId: string,
    { users }: AccountSnapshot,
    startedAt: number,
  ): Promise<ComparedPeople> {
    const counts: ComparedPeople = { linked: 0, missing: 0, gone: [] };
    if (users === null) return counts;
    type Row = { id: string; active: number } & (LostLink | Record<keyof LostLink, null>);
    const slices = keysetSlices<Row>(new Slice(), (last, limit) =>
      this.reader.query(
        `SELECT u.id AS id, u.active AS active, r.userId AS userId, r.remoteUserId AS remoteUserId,
                r.pinned AS pinned, r.checkedAt AS checkedAt
         FROM (SELECT id, active FROM scim_user WHERE integrationId = ? AND id > ? ORDER BY id LIMIT ?) u
         LEFT JOIN remote_user r ON r.userId = u.id AND r.remoteUserId IS NOT NULL ORDER BY u.id`,
        [integrationId, last?.id ?? '', limit],
      ),
    );
    for await (const rows of slices) {
      for (const { id: _, active, ...link } of rows) {
        if (link.userId === null) continue;
        const isGone = !users.has(link.remoteUserId) && !mayNotBeShownYet(link, startedAt);
        if (isGone) counts.gone.push(link);
        if (!active) continue;
        counts.linked += 1;
        if (isGone) counts.missing += 1;
      }
    }
    return counts;
  }

  /** Whoever is linked to a person that the target no longer has is looked up afresh, unless the link has changed since. */
  async forget(run: RunContext, gone: readonly LostLink[]): Promise<void> {
    for await (const some of chunksOf(gone)) {
      const seen = new Map(some.map((link) => [link.userId, link]));
      await this.leases.run(run.lease, async (tx) => {
        const links = await tx.query<LostLink>(
          `SELECT userId, remoteUserId, pinned, checkedAt FROM remote_user WHERE userId IN (${inList(some)})
           ORDER BY userId${FOR_UPDATE}`,
          [...seen.keys()],
        );
        const userIds = links
          .filter((link) => isSame(link, seen.get(link.userId)!))
          .map(({ userId }) => userId);
        if (userIds.length === 0) return;
        await unlinkGone(tx, userIds, GONE_MESSAGE);
        await this.users.compareGroupsOf(tx, run.integration.id, userIds);
      });
    }
  }
}

/** A person who was made a moment ago may be missing in a list, and one who was linked meanwhile says nothing of it. */
function mayNotBeShownYet({ pinned, checkedAt }: LostLink, startedAt: number): boolean {
  return Number(checkedAt) >= startedAt - (Number(pinned) === 1 ? READS_LAG_MS : 0);
}

function isSame(one: LostLink, other: LostLink): boolean {
  return one.remoteUserId === other.remoteUserId && Number(one.checkedAt) === Number(other.checkedAt);
}
