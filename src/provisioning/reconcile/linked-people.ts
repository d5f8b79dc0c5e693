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

const GONE_MESSAGE = 'The linked person no longer exists in the target. Scimify looks up the user again.';

/** The link of an IdP user to a remote user that the target did not show. */
interface LostLink {
  userId: string;
  remoteUserId: string;
  pinned: number;
  /** When the link was made or last looked up; epoch milliseconds. */
  checkedAt: number;
}

/** What a look at the whole target says about the linked remote users. */
export interface ComparedPeople {
  /** Active users with a link. */
  linked: number;
  /** Those of them whose remote user no longer exists. */
  missing: number;
  /** All such links, also of inactive users: a leaver is expected to be missing. */
  gone: LostLink[];
}

/** Compares the linked remote users with the remote users of the target. */
@Injectable()
export class LinkedPeople {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly users: UserResolution,
  ) {}

  /** @param startedAt when the read of the target started; epoch milliseconds */
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

  /** Looks up again every user whose remote user no longer exists, unless the link has changed since. */
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

/**
 * A list may miss a remote user that was created a moment ago, and says nothing about a link made since the read
 * started.
 */
function mayNotBeShownYet({ pinned, checkedAt }: LostLink, startedAt: number): boolean {
  return Number(checkedAt) >= startedAt - (Number(pinned) === 1 ? READS_LAG_MS : 0);
}

function isSame(one: LostLink, other: LostLink): boolean {
  return one.remoteUserId === other.remoteUserId && Number(one.checkedAt) === Number(other.checkedAt);
}
