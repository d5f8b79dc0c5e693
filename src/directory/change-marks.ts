import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';
import { upsert } from '../database/upsert';
import { GroupChange, MemberChange, type ReleaseMode } from './change.entity';
import { DesiredStateChanges } from './desired-state-changes';
import { newMark } from './mark';

/** Up to this many users of one group that change at once count as few. */
const SMALL_CHANGE_USERS = 25;

/**
 * What the engine has to compare again. The marks are written in the transaction of the change. They are the outbox: the
 * engine needs nothing else to apply the change after a crash.
 */
@Injectable()
export class ChangeMarks {
  constructor(private readonly changes: DesiredStateChanges) {}

  /**
   * @param pairs group id → ids of the users who changed in it; a group without users is marked for its name only
   * @param cause id of the request that caused the change; null when the engine found it, which keeps an earlier
   *   request's id
   */
  async mark(
    tx: Transaction,
    integrationId: string,
    pairs: ReadonlyMap<string, readonly string[]>,
    cause: string | null = null,
  ): Promise<void> {
    if (pairs.size === 0) return;
    const mark = newMark();
    const groupIds = [...pairs.keys()].sort();
    await markGroups(tx, integrationId, groupIds, { mark, cause, whole: false });
    const isFew = (groupId: string) => pairs.get(groupId)!.length <= SMALL_CHANGE_USERS;
    const some = groupIds.filter(isFew);
    const many = groupIds.filter((groupId) => !isFew(groupId));
    await markPairs(tx, pairs, some, { mark, cause, smallOf: integrationId });
    await markPairs(tx, pairs, many, { mark, cause, smallOf: null });
    this.changes.announce(tx, integrationId);
  }

  /** Makes this user's marks urgent: the user left the IdP, but can still be paged until the removal is applied. */
  async markLeaver(tx: Transaction, integrationId: string, userId: string): Promise<void> {
    await tx.query('UPDATE member_change SET leaverOf = ? WHERE userId = ?', [integrationId, userId]);
  }

  /** Marks every member of these groups. */
  async markWhole(
    tx: Transaction,
    integrationId: string,
    groupIds: readonly string[],
    cause: string | null = null,
  ): Promise<void> {
    if (groupIds.length === 0) return;
    await markGroups(tx, integrationId, [...new Set(groupIds)].sort(), {
      mark: newMark(),
      cause,
      whole: true,
    });
    this.changes.announce(tx, integrationId);
  }

  /** Records what happens to the remote group of a deleted group that is marked. A later mark does not change it. */
  async decideRelease(tx: Transaction, groupId: string, mode: ReleaseMode): Promise<void> {
    await tx.query('UPDATE group_change SET letGo = ? WHERE groupId = ?', [mode, groupId]);
  }
}

async function markGroups(
  tx: Transaction,
  integrationId: string,
  groupIds: readonly string[],
  { mark, cause, whole }: { mark: string; cause: string | null; whole: boolean },
): Promise<void> {
  const since = Date.now();
  const wholeCause = whole ? cause : null;
  await upsert(
    tx,
    GroupChange,
    groupIds.map((groupId) => ({ groupId, integrationId, mark, cause, whole, wholeCause, since })),
    {
      update: [
        ...renewedBy(cause),
        ...(whole ? ['whole' as const] : []),
        ...(wholeCause === null ? [] : ['wholeCause' as const]),
      ],
    },
  );
}

interface PairsMark {
  mark: string;
  cause: string | null;
  /** The integration, if few users of the group changed; otherwise null. */
  smallOf: string | null;
}

async function markPairs(
  tx: Transaction,
  pairs: ReadonlyMap<string, readonly string[]>,
  groupIds: readonly string[],
  { mark, cause, smallOf }: PairsMark,
): Promise<void> {
  function* rows() {
    for (const groupId of groupIds) {
      for (const userId of pairs.get(groupId)!) yield { groupId, userId, mark, cause, smallOf };
    }
  }
  await upsert(tx, MemberChange, rows(), {
    // A user from a small change stays urgent when a large change then marks the same user.
    update: [...renewedBy(cause), ...(smallOf === null ? [] : ['smallOf' as const])],
  });
}

function renewedBy(cause: string | null): ('mark' | 'cause')[] {
  return cause === null ? ['mark'] : ['mark', 'cause'];
}
