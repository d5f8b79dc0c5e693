import { Injectable } from '@nestjs/common';
import { FOR_SHARE } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { ProviderGroup as FoundGroup } from '../../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import { HELD, REJECTED } from '../plan/mass-change-guard';
import { settleSoon, settledSoonUntil } from '../plan/just-created';
import { NAME_NOT_FREE_YET } from '../plan/new-group';
import { reachOf } from '../plan/reach';
import { Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { deriveGroupState } from '../state/group-state';
import { nextLookAt } from '../state/leavers';
import { openPeople } from '../state/open-people';
import { RemoteGroup } from '../state/remote-group.entity';
import { dropItemsOfAbsent } from '../guard/held-items';
import {
  GroupBlockedError,
  GroupHeldError,
  GroupTakenOverError,
  NameNotFreeYetError,
  TAKEN_OVER,
  TAKEN_OVER_MESSAGE,
} from './group-blocked';
import { GroupDeletion, NO_MARK } from './group-deletion';
import type { LoadedGroup } from './loaded-group';
import { knownFirst } from './known-first';
import { LeaverRemoval } from './leaver-removal';
import { Members } from './members';
import { unsentDueAt } from './member-records';
import { isOutage, passingDelayOf, refusedDelay, unlessNotVisibleYet } from './not-visible-yet';
import { CHUNK, MAX_RETRY_CHUNKS, type PairMark, People } from './people';
import { type RunContext, atPriority } from './run-context';
import { RemoteGroupNames } from './remote-group-names';
import { RemoteGroups, type GroupWithRemote } from './remote-groups';
import { unclearDueAt } from './unclear-writes';
import { UserResolution, askedFor, askedForBy } from './user-resolution';

/** The successor is processed in the same run or in the next. */
const TAKEN_OVER_WITHIN_MS = 1_000;

/**
 * Applies the changes of one group to its remote group. It may be cut off at any point and run again: intents are
 * committed before they are sent, and a change is acknowledged only when all of it is applied or parked. A parked
 * part has its own row with its reason and next attempt.
 */
@Injectable()
export class GroupApplier {
  constructor(
    private readonly remoteGroups: RemoteGroups,
    private readonly names: RemoteGroupNames,
    private readonly members: Members,
    private readonly leavers: LeaverRemoval,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly leases: Leases,
    private readonly ledger: WorkLedger,
    private readonly deletion: GroupDeletion,
  ) {}

  /**
   * @param found the result of a recent look-up of names
   * @throws ProviderError that concerns the whole account, after it was recorded with the group
   * @throws LeaseLostError
   */
  async apply(run: RunContext, view: LoadedGroup, found?: ReadonlyMap<string, FoundGroup>): Promise<void> {
    let current = view;
    let failedRemoval: ProviderError | null = null;
    try {
      const { groupId, group } = view;
      if (group) {
        const now = Date.now();
        const withRemote = await run.groupTurns.take(groupId, () =>
          this.remoteGroups.ensure(run, { ...view, group }, found),
        );
        current = withRemote;
        try {
          const named = await run.groupTurns.take(groupId, () => this.names.ensure(run, withRemote, now));
          await this.applyMembers(run, named, now);
          await this.acknowledge(run, named);
        } catch (failure) {
          if (reachOf(failure) === 'call')
            await this.leavers.removeAll(atPriority(run, 'leaver'), withRemote);
          throw failure;
        }
      } else {
        failedRemoval = await this.deletion.release(run, view);
      }
    } catch (failure) {
      const error = current.remote ? unlessNotVisibleYet(current.remote, failure) : failure;
      await this.recordFailure(run, current, error);
      if (error instanceof ProviderError && (error.accountWide || error.isTransient)) throw error;
    }
    if (failedRemoval) throw failedRemoval;
  }

  /**
   * A look-up that all of these groups need has failed: records the failure with each group. Leavers are removed
   * all the same.
   *
   * @throws ProviderError when that fails too
   */
  async postpone(run: RunContext, views: readonly LoadedGroup[], error: ProviderError): Promise<void> {
    for (const view of views) {
      if (view.group && !view.remote) await this.remoteGroups.createRow(run, { ...view, group: view.group });
      await this.recordFailure(run, view, error);
    }
    if (reachOf(error) !== 'call') return;
    for (const view of views) {
      if (!view.group || !view.remote?.remoteId) continue;
      await this.leavers.removeAll(atPriority(run, 'leaver'), view as GroupWithRemote);
    }
  }

  private async applyMembers(run: RunContext, view: GroupWithRemote, now: number): Promise<void> {
    let pairs = await this.people.changedPairs(view.groupId, CHUNK);
    if (view.change?.whole || pairs.length === CHUNK || (await this.hasUnknown(pairs))) {
      await this.applyJoiningPairs(run, view);
      if (view.change?.whole) await this.compareMembers(run, view, now);
      pairs = await this.people.changedPairs(view.groupId, CHUNK);
    }
    for (; pairs.length > 0; pairs = await this.people.changedPairs(view.groupId, CHUNK)) {
      await this.applyPairs(run, view, pairs);
    }
    if (view.change?.whole) await this.compareRemoteGroup(run, view, now);
    for (let turn = 0; turn < MAX_RETRY_CHUNKS; turn++) {
      // Due retries do not wait for the look-ups of other users.
      const remoteUserIds = await this.people.callsDue(view.remote.id, now, CHUNK);
      if (remoteUserIds.length > 0) {
        await this.users.resolve(
          run,
          askedFor(await this.people.joiningUsersOf(view.remote.id, remoteUserIds)),
        );
        await this.members.apply(run, view, [], remoteUserIds);
      }
      const userIds = await this.people.parkedDue(view.remote.id, now, CHUNK);
      if (userIds.length + remoteUserIds.length === 0) break;
      await this.users.resolve(run, askedFor(userIds));
      if (userIds.length > 0) await this.members.apply(run, view, userIds, []);
    }
    await this.members.confirm(run, view, now);
  }

  /**
   * With more than one chunk of changes, additions come first, so that no member leaves before them. If the whole
   * group is compared too, a user with a change of its own joins because of that change, which is then the audited
   * cause.
   */
  private async applyJoiningPairs(run: RunContext, view: GroupWithRemote): Promise<void> {
    const { people } = this;
    let pairs: readonly PairMark[] = [];
    async function* chunks() {
      for (let after = ''; ; after = pairs.at(-1)!.userId) {
        pairs = await people.joiningPairs(view.groupId, CHUNK, after);
        if (pairs.length === 0) return;
        yield askedForBy(pairs);
      }
    }
    await knownFirst(this.users, run, chunks, async (userIds) => {
      const joining = new Set(userIds);
      const marks = pairs.filter(({ userId }) => joining.has(userId));
      await this.members.apply(run, view, userIds, [], marks);
    });
  }

  private async hasUnknown(pairs: readonly PairMark[]): Promise<boolean> {
    return (await this.users.due(askedForBy(pairs))).length > 0;
  }

  private async applyPairs(
    run: RunContext,
    view: GroupWithRemote,
    pairs: readonly PairMark[],
  ): Promise<void> {
    const userIds = pairs.map(({ userId }) => userId);
    // The look-up of the batch usually covers these users, but newer ones may have come since.
    await this.users.resolve(run, askedForBy(pairs));
    await this.members.apply(run, view, userIds, [], pairs);
  }

  /** All members of the group, before any member leaves. */
  private async compareMembers(run: RunContext, view: GroupWithRemote, now: number): Promise<void> {
    const { people } = this;
    async function* chunks() {
      for (let after = ''; ;) {
        const userIds = await people.membersAfter(view.groupId, after, CHUNK);
        if (userIds.length === 0) return;
        yield askedFor(userIds, view.change?.mark);
        after = userIds.at(-1)!;
      }
    }
    await knownFirst(this.users, run, chunks, async (userIds) => {
      const refused = isAskedFor(view) ? NONE : await people.refusedAmong(view.remote.id, userIds, now);
      const compared = userIds.filter((userId) => !refused.has(userId));
      await this.members.apply(run, view, compared, []);
    });
  }

  /** All members that we know in the remote group. */
  private async compareRemoteGroup(run: RunContext, view: GroupWithRemote, now: number): Promise<void> {
    for (let after = ''; ;) {
      const remoteUserIds = isAskedFor(view)
        ? await this.people.remoteMembersAfter(view.remote.id, after, CHUNK)
        : await this.people.remoteMembersToCompare(view.remote.id, after, now, CHUNK);
      if (remoteUserIds.length === 0) break;
      await this.members.apply(run, view, [], remoteUserIds);
      after = remoteUserIds.at(-1)!;
    }
  }

  /** A change after the marks were read has a newer mark and is not acknowledged here. */
  private async acknowledge(run: RunContext, view: GroupWithRemote): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      if (view.change) {
        await tx.query(
          `DELETE FROM group_change WHERE groupId = ? AND mark = ?
             AND NOT EXISTS (SELECT 1 FROM member_change WHERE member_change.groupId = group_change.groupId)`,
          [view.groupId, view.change.mark],
        );
      }
      await dropItemsOfAbsent(tx, view.remote);
      const derived = deriveGroupState(await openItems(tx, view));
      await tx.manager.update(
        RemoteGroup,
        { id: view.remote.id },
        {
          ...derived,
          groupName: view.group!.displayName,
          appliedGeneration: view.group!.generation,
          attempts: 0,
          notBefore: null,
          blockedMark: null,
        },
      );
    });
  }

  /** Keeps the group's changes open, and records the reason and the next attempt. */
  private async recordFailure(run: RunContext, view: LoadedGroup, error: unknown): Promise<void> {
    const failure = failureOf(error);
    if (!failure) throw error;
    await this.leases.run(run.lease, async (tx) => {
      const remote = await tx.manager.findOneBy(RemoteGroup, {
        integrationId: run.integration.id,
        groupId: view.groupId,
      });
      if (!remote) return;
      // The group was deleted by hand, or the credential no longer sees it. Only a reconciliation can tell;
      // nothing is forgotten before it. It is requested once per group: a group that stays out of sight must not
      // cause one again and again.
      if (failure.reason === GROUP_GONE && remote.reason !== GROUP_GONE && remote.remoteId !== null) {
        await this.ledger.expediteReconciliation(tx, run.integration.id);
      }
      const now = Date.now();
      // A change caused this attempt before its time: the backoff of a refusal starts again.
      const isEarly = failure.state !== 'retrying' && Number(remote.notBefore ?? 0) > now;
      // Refusals and passing failures each have their own backoff.
      const startsAgain =
        isEarly || (remote.attempts > 0 && (remote.state === 'retrying') !== (failure.state === 'retrying'));
      const attempts = startsAgain ? 1 : remote.attempts + 1;
      const soonUntil =
        isOutage(error) && remote.createIntent !== null ? settledSoonUntil(remote.createIntent) : 0;
      run.creations.settledSoonUntil = Math.max(run.creations.settledSoonUntil, soonUntil);
      // The deletion of an integration does not wait for failures from before it.
      const isMeanwhileDeleted =
        run.integration.deletingSince === null && (await isDeleted(tx, run.integration.id));
      const nextAttemptAt = isMeanwhileDeleted
        ? now
        : now + settleSoon(failure.delay(attempts), soonUntil, now);
      // A leaver does not wait for the retry of another user's call.
      const holdsUpChanges =
        failure.state === 'retrying' && !(remote.remoteId !== null && reachOf(error) === 'call');
      await tx.manager.update(
        RemoteGroup,
        { id: remote.id },
        {
          state: failure.state,
          reason: failure.reason,
          message: failure.message,
          attempts,
          nextAttemptAt: await nextLookAt(tx, remote, nextAttemptAt),
          notBefore: nextAttemptAt,
          blockedMark: holdsUpChanges ? null : (view.change?.mark ?? NO_MARK),
        },
      );
    });
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Locked, to wait for a deletion that is about to commit: the deletion makes due only the groups that it finds. */
async function isDeleted(tx: Transaction, integrationId: string): Promise<boolean> {
  const [integration] = await tx.query<{ deletingSince: number | null }>(
    `SELECT deletingSince FROM integration WHERE id = ?${FOR_SHARE}`,
    [integrationId],
  );
  return (integration?.deletingSince ?? null) !== null;
}

/** Whether an IdP or an admin asked to compare the whole group, and not the engine because of one user in it. */
export function isAskedFor({ change }: Pick<LoadedGroup, 'change'>): boolean {
  return Boolean(change?.wholeCause);
}

interface Failure {
  reason: string;
  message: string;
  state: 'retrying' | 'blocked' | 'held';
  delay: (attempts: number) => number;
}

function failureOf(error: unknown): Failure | null {
  if (error instanceof GroupBlockedError) {
    return { reason: error.reason, message: error.explanation, state: 'blocked', delay: refusalDelay };
  }
  if (error instanceof GroupHeldError) {
    return { ...HELD, state: 'held', delay: () => refusalDelay(2) };
  }
  if (error instanceof NameNotFreeYetError) {
    return {
      reason: NAME_NOT_FREE_YET,
      message: error.explanation,
      state: 'retrying',
      delay: (attempts) => passingFailureDelay(attempts, undefined, Math.random()),
    };
  }
  if (error instanceof GroupTakenOverError) {
    return {
      reason: TAKEN_OVER,
      message: TAKEN_OVER_MESSAGE,
      state: 'retrying',
      delay: () => TAKEN_OVER_WITHIN_MS,
    };
  }
  if (!(error instanceof ProviderError)) return null;
  const passing = reachOf(error) !== 'object';
  return {
    reason: error.reason,
    message: error.explanation,
    state: passing ? 'retrying' : 'blocked',
    delay: (attempts) => (passing ? passingDelayOf(error, attempts) : refusedDelay(error, attempts)),
  };
}

/** The earliest item of each kind, by index. */
async function openItems(tx: Transaction, view: GroupWithRemote) {
  // Read again: meanwhile another group may have given up the name, which makes this group due now.
  const [name] = await tx.query<Pick<RemoteGroup, 'nameReason' | 'nameMessage' | 'nameNextAttemptAt'>>(
    'SELECT nameReason, nameMessage, nameNextAttemptAt FROM remote_group WHERE id = ?',
    [view.remote.id],
  );
  const held = await tx.query("SELECT 1 FROM held_item WHERE groupId = ? AND state = 'held' LIMIT 1", [
    view.groupId,
  ]);
  const rejected = await tx.query("SELECT 1 FROM held_item WHERE groupId = ? AND state = 'pinned' LIMIT 1", [
    view.groupId,
  ]);
  return {
    held: held.length > 0 ? HELD : null,
    passing: await openPeople(tx, view.remote.id, 'passing'),
    waiting: await openPeople(tx, view.remote.id, 'waiting'),
    name:
      name && name.nameReason !== null && name.nameNextAttemptAt !== null
        ? {
            reason: name.nameReason,
            message: name.nameMessage ?? '',
            nextAttemptAt: Number(name.nameNextAttemptAt),
          }
        : null,
    rejected: rejected.length > 0 ? REJECTED : null,
    unsentDueAt: await unsentDueAt(tx, view.remote.id),
    unclearDueAt: await unclearDueAt(tx, view.remote.id),
  };
}
