import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { Person } from '../plan/member-plan';
import type { LoadedGroup } from './loaded-group';
import type { PairMark } from './people';

/** Ids of the requests that caused the changes, as far as they are known. */
export interface Causes {
  ofUsers: Map<string, string>;
  ofRemoteUsers: Map<string, string>;
}

/**
 * Finds the cause of each change in a group: the request that changed the pair, else the one that added the
 * waiting user, else the one that asked for the whole group.
 *
 * @param waiting users that waited until now, by id
 */
export function causesOf(
  { change }: Pick<LoadedGroup, 'change'>,
  people: readonly Person[],
  remoteUserIds: readonly string[],
  marks: readonly PairMark[],
  waiting: ReadonlyMap<string, { cause: string | null }>,
): Causes {
  const marked = new Map(marks.map(({ userId, cause }) => [userId, cause]));
  const asked = change?.wholeCause;
  const causes: Causes = { ofUsers: new Map(), ofRemoteUsers: new Map() };
  if (asked) for (const remoteUserId of remoteUserIds) causes.ofRemoteUsers.set(remoteUserId, asked);
  for (const { userId, link } of people) {
    const cause = marked.get(userId) ?? waiting.get(userId)?.cause ?? asked;
    if (!cause) continue;
    causes.ofUsers.set(userId, cause);
    if (link.kind === 'resolved') causes.ofRemoteUsers.set(link.remoteUserId, cause);
  }
  return causes;
}

/**
 * Stores the request that caused the addition or removal of each remote user, or the wait of each user.
 *
 * @param causes request ids by remote user id or user id
 */
export async function noteCauses(
  tx: Transaction,
  table: 'remote_member' | 'parked_member',
  remoteGroupId: string,
  causes: ReadonlyMap<string, string>,
): Promise<void> {
  const personId = table === 'remote_member' ? 'remoteUserId' : 'userId';
  const caused = new Map<string, string[]>();
  for (const [id, cause] of causes) caused.set(cause, [...(caused.get(cause) ?? []), id]);
  for (const [cause, ids] of caused) {
    for await (const some of chunksOf(ids)) {
      await tx.query(
        `UPDATE ${table} SET cause = ? WHERE remoteGroupId = ? AND ${personId} IN (${inList(some)})`,
        [cause, remoteGroupId, ...some],
      );
    }
  }
}

/** The request that caused the call for each of these remote users. */
export async function notedCauses(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<Map<string, string>> {
  const causes = new Map<string, string>();
  for await (const some of chunksOf(remoteUserIds)) {
    const rows = await tx.query<{ remoteUserId: string; cause: string }>(
      `SELECT remoteUserId, cause FROM remote_member
       WHERE remoteGroupId = ? AND cause IS NOT NULL AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
    for (const { remoteUserId, cause } of rows) causes.set(remoteUserId, cause);
  }
  return causes;
}

/** The causes of these ids only. */
export function causesAmong(
  causes: ReadonlyMap<string, string>,
  ids: readonly string[],
): Map<string, string> {
  const wanted = new Set(ids);
  return new Map([...causes].filter(([id]) => wanted.has(id)));
}
