import { Injectable } from '@nestjs/common';
import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import { itemStates } from '../guard/removal-history';
import { RemovalScreen } from '../guard/removal-screen';
import { refusalDelay } from '../plan/backoff';
import {
  type MemberPlan,
  type MemberPlanInput,
  isUnmanaged,
  leaversFromBefore,
  noPlaceMessage,
  planMembers,
} from '../plan/member-plan';
import { Leases } from '../schedule/lease';
import { causesAmong, causesOf, noteCauses } from './causes';
import { GroupBlockedError } from './group-blocked';
import { addedByUs, toBeReleasedAndKept } from './known-target';
import { ALL_ANSWERED, MemberCalls, NO_MEMBERS, type Sent, isPassing } from './member-calls';
import {
  LOOK_UP_SOON_MS,
  cancelWaitingRemovals,
  manageMembers,
  markIntents,
  markRemoving,
  markMayBeMember,
  parkPeople,
  openAdditions,
  unparkPeople,
  waitForAdditions,
  waitingAmong,
} from './member-records';
import { CHUNK, type PairMark, People, plannedGroup } from './people';
import { countPlaces, offerFreedPlaces } from './places';
import { RemovalIntents } from './removal-intents';
import type { RunContext } from './run-context';
import type { GroupTurn } from './group-turns';
import type { GroupWithRemote } from './remote-groups';
import { noteCutOff, noteUnclear, resolveUnclear, unclearDue, undoneAmong } from './unclear-writes';
import { beginWriting } from './write-seq';

/** Applies member changes of one group to its remote group. */
@Injectable()
export class Members {
  constructor(
    private readonly people: People,
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
    private readonly removals: RemovalIntents,
    private readonly calls: MemberCalls,
  ) {}

  /**
   * Plans and applies the changes of these users and remote users in one group.
   *
   * @param marks the marks processed by this call; they are acknowledged once every change is applied or parked
   * @throws ProviderError when no other call on this remote group makes sense now; open intents are sent again
   *   later
   */
  async apply(
    run: RunContext,
    view: GroupWithRemote,
    userIds: readonly string[],
    remoteUserIds: readonly string[],
    marks: readonly PairMark[] = [],
  ): Promise<void> {
    // A large group may still need a long comparison before the next call checks this.
    run.call.assertMaySend();
    const stopped = await run.groupTurns.take(view.groupId, async (turn) => {
      turn.doneByOthers.clear();
      const left = turn.wasInterrupted
        ? await this.people.stillChanged(view.groupId, userIds, marks)
        : userIds;
      const input = await this.people.planInput(plannedGroup(run, view), left, remoteUserIds);
      const plan = await this.confirmUnmanaged(run, view, planMembers(input), input);
      const causes = await this.recordPlan(run, view, plan, input, marks);
      const added = await this.calls.send(run, view, { add: plan.add, remove: [] }, input, turn);
      const removed = await this.applyRemovals(run, view, plan, input, turn, causes);
      return added.stopped ?? removed.stopped;
    });
    // Failed and unsent calls have their own rows with a next attempt. Other users need not wait for them.
    await this.acknowledge(run, view.groupId, marks);
    if (stopped) throw stopped;
  }

  /**
   * Adds the wanted users among these, between two calls of the group's own turn. All other changes are left to
   * that turn.
   *
   * @throws ProviderError as `apply`
   */
  async addAtOnce(run: RunContext, view: GroupWithRemote, marks: readonly PairMark[]): Promise<void> {
    run.call.assertMaySend();
    const { joining, stopped } = await run.groupTurns.take(view.groupId, async (turn) => {
      const userIds = marks.map(({ userId }) => userId);
      const all = await this.people.planInput(plannedGroup(run, view), userIds, []);
      const input = { ...all, people: all.people.filter(({ desired }) => desired) };
      const plan = planMembers(input);
      await this.recordPlan(run, view, plan, input, marks);
      // Whatever the calls return, the worker with the turn must not use its older plan for these remote users.
      for (const { link } of input.people)
        if (link.kind === 'resolved') turn.doneByOthers.add(link.remoteUserId);
      const sent = await this.calls.send(run, view, { add: plan.add, remove: [] }, input, null);
      const joins = new Set(input.people.map(({ userId }) => userId));
      return { joining: marks.filter(({ userId }) => joins.has(userId)), stopped: sent.stopped };
    });
    await this.acknowledge(run, view.groupId, joining);
    if (stopped) throw stopped;
  }

  /**
   * A call without an answer may take effect after the call that followed it. Once that is no longer possible, one
   * reading of the member list shows the truth for all of them, and writes that were undone are repeated.
   */
  async confirm(run: RunContext, view: GroupWithRemote, now: number): Promise<void> {
    const remoteGroupId = view.remote.id;
    const pairs = await this.leases.run(run.lease, (tx) => unclearDue(tx, remoteGroupId, now));
    if (pairs.length === 0) return;
    const isSettled = pairs.some(({ known }) => known === null || known.state === 'present');
    const members = isSettled ? await run.connection.listMembers(view.remote.remoteId, run.call) : [];
    const undone = undoneAmong(pairs, new Set(members.map(({ remoteUserId }) => remoteUserId)));
    await this.leases.run(run.lease, (tx) => resolveUnclear(tx, remoteGroupId, pairs, undone));
    const remoteUserIds = [...undone.added, ...undone.removed];
    if (remoteUserIds.length > 0) await this.apply(run, view, [], remoteUserIds);
  }

  /**
   * Removes all members that we added. Members that were there before stay, except leavers. The caller must have
   * the group's turn.
   *
   * @returns whether a leaver stays until an admin decides about it
   * @throws GroupBlockedError when the target refuses to remove a member
   */
  async releaseAll(run: RunContext, view: GroupWithRemote): Promise<{ isLeaverHeld: boolean }> {
    let isLeaverHeld = false;
    for (let after = ''; ;) {
      const chunk = await this.people.remoteMembersAfter(view.remote.id, after, CHUNK);
      if (chunk.length === 0) break;
      after = chunk.at(-1)!;
      const input = await this.people.planInput(plannedGroup(run, view), [], chunk);
      const leavers = leaversFromBefore(input);
      const leaving = await this.recordLeavers(run, view, leavers, input);
      isLeaverHeld ||= await this.isAnyHeld(run, view, leavers);
      const ours = await this.leases.run(run.lease, async (tx) => {
        const ids = await addedByUs(tx, view.remote.id, chunk);
        if (ids.length > 0) await markRemoving(tx, view.remote.id, ids);
        return ids;
      });
      const change = { add: [], remove: [...leaving, ...ours] };
      const { failed, stopped } = await this.calls.send(run, view, change, NO_MEMBERS, null);
      const failure = stopped ?? failed;
      if (failure) throw failure;
    }
    const kept = await this.leases.run(run.lease, (tx) => toBeReleasedAndKept(tx, view.remote.id));
    if (kept) throw new GroupBlockedError(kept.reason, kept.message);
    return { isLeaverHeld };
  }

  /** The guard counts these leavers. It does not count the members that we added, who leave with the group. */
  private async recordLeavers(
    run: RunContext,
    view: GroupWithRemote,
    leavers: readonly string[],
    { known }: MemberPlanInput,
  ): Promise<string[]> {
    if (leavers.length === 0) return [];
    const marks = await this.people.changedPairs(view.groupId, CHUNK);
    const userIds = marks.map(({ userId }) => userId);
    const { people } = await this.people.planInput(plannedGroup(run, view), userIds, []);
    const causes = causesOf(view, people, leavers, marks, new Map()).ofRemoteUsers;
    return this.removals.record(run, view, { add: [], remove: leavers }, known, causes);
  }

  private async isAnyHeld(
    run: RunContext,
    { groupId }: GroupWithRemote,
    remoteUserIds: readonly string[],
  ): Promise<boolean> {
    if (remoteUserIds.length === 0) return false;
    const states = await this.leases.run(run.lease, (tx) => itemStates(tx, groupId, remoteUserIds));
    return [...states.values()].includes('held');
  }

  /**
   * An unmanaged member is removed only if the group's own member list still contains it: the list that reconciliation read
   * page by page may have shifted meanwhile. An unmanaged member that is missing there has left already; its row is
   * deleted.
   */
  private async confirmUnmanaged(
    run: RunContext,
    view: GroupWithRemote,
    plan: MemberPlan,
    { known }: MemberPlanInput,
  ): Promise<MemberPlan> {
    const isUnconfirmed = ({ remoteUserId }: { remoteUserId: string }): boolean => {
      const member = known.get(remoteUserId)!;
      return member.state === 'present' && isUnmanaged(member);
    };
    if (!plan.remove.some(isUnconfirmed)) return plan;
    const members = await run.connection.listMembers(view.remote.remoteId, run.call);
    const present = new Set(members.map(({ remoteUserId }) => remoteUserId));
    const [missing, remove] = partition(
      plan.remove,
      (removal) => isUnconfirmed(removal) && !present.has(removal.remoteUserId),
    );
    for await (const some of chunksOf(missing)) {
      await this.leases.run(run.lease, async (tx) => {
        await tx.query(
          `DELETE FROM remote_member WHERE remoteGroupId = ? AND state = 'present' AND managed = 0
             AND remoteUserId IN (${inList(some)})`,
          [view.remote.id, ...some.map(({ remoteUserId }) => remoteUserId)],
        );
        await offerFreedPlaces(tx, view.remote.id, some.length);
      });
    }
    return { ...plan, remove };
  }

  /**
   * No member leaves while an addition that may succeed is open. A leaver leaves in any case. The guard is asked
   * last: only now it is known which users have joined, and whether the group would be empty.
   *
   * From a full group a few members leave at a time, and the next ones once their places are taken. If the target
   * fails in between, the rota is short by no more than these few.
   */
  private async applyRemovals(
    run: RunContext,
    view: GroupWithRemote,
    plan: MemberPlan,
    input: MemberPlanInput,
    turn: GroupTurn,
    causes: ReadonlyMap<string, string>,
  ): Promise<Sent> {
    const removals = plan.remove.filter(({ remoteUserId }) => !turn.doneByOthers.has(remoteUserId));
    if (removals.length === 0) return ALL_ANSWERED;
    const [leaving, replaced] = partition(removals, ({ leaver }) => leaver);
    const waits = replaced.length > 0 && (await this.waitsForAdditions(run, view, remoteIdsOf(removals)));
    const planned = remoteIdsOf(waits ? leaving : removals);
    const remove = await this.removals.record(
      run,
      view,
      { add: plan.add, remove: planned },
      input.known,
      causes,
    );
    const next = waits ? remove : await this.leavingNow(run, view, remove, new Set(remoteIdsOf(leaving)));
    const sent = await this.calls.send(run, view, { add: [], remove: next }, input, turn);
    if (waits) await this.postponeRemovals(run, view, remoteIdsOf(replaced), causes);
    return sent;
  }

  /** @returns members that leave now; the others wait until a freed place is taken */
  private async leavingNow(
    run: RunContext,
    view: GroupWithRemote,
    remove: readonly string[],
    leavers: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    return this.leases.run(run.lease, async (tx) => {
      const { taken, wanted, offered } = await countPlaces(tx, view.remote.id);
      if (wanted === 0) return remove;
      const { membersPerGroup, parallelCalls } = run.provider.limits;
      const free = Math.max(0, membersPerGroup - taken);
      if (free > offered) await offerFreedPlaces(tx, view.remote.id, free - offered);
      const [leaving, replaced] = partition(remove, (id) => leavers.has(id));
      const atOnce = Math.max(0, Math.min(wanted, parallelCalls) - free - leaving.length);
      await waitForAdditions(tx, view.remote.id, replaced.slice(atOnce));
      return [...leaving, ...replaced.slice(0, atOnce)];
    });
  }

  /**
   * Commits the intents before any call is sent. After a crash in between, no managed member looks unmanaged.
   *
   * @returns by remote user, the id of the request that caused the change
   */
  private async recordPlan(
    run: RunContext,
    view: GroupWithRemote,
    plan: MemberPlan,
    { people, remoteUserIds, wanted: peopleOf, known }: MemberPlanInput,
    marks: readonly PairMark[],
  ): Promise<ReadonlyMap<string, string>> {
    const remoteGroupId = view.remote.id;
    const { add, manage, park, full, unpark } = plan;
    const remove = new Set(remoteIdsOf(plan.remove));
    const staying = [...known].flatMap(([id, { waitsToLeave }]) =>
      waitsToLeave && !remove.has(id) ? [id] : [],
    );
    const changes = [add, plan.remove, manage, park, full, unpark, staying];
    if (changes.every(({ length }) => length === 0)) return new Map();
    return this.leases.run(run.lease, async (tx) => {
      await this.screen.wantedAgain(tx, view.groupId, [...peopleOf.keys()]);
      await cancelWaitingRemovals(tx, remoteGroupId, staying);
      await noteCutOff(tx, remoteGroupId, add);
      const lookedAt = new Set(people.map(({ userId }) => userId));
      const joiningUserIds = new Set(add.flatMap((remoteUserId) => peopleOf.get(remoteUserId) ?? []));
      // Includes other users that are linked to the same remote user: the change of one user must not reset their
      // refusals.
      const waiting = await waitingAmong(tx, remoteGroupId, [...new Set([...lookedAt, ...joiningUserIds])]);
      const intentOf = (remoteUserId: string) => {
        const userIds = (peopleOf.get(remoteUserId) ?? []).filter((userId) => waiting.has(userId));
        const refusals = userIds.map((userId) => {
          const { attempts, isDue } = waiting.get(userId)!;
          return isDue || !lookedAt.has(userId) ? attempts : 0;
        });
        const refusedFor = userIds.map((userId) => waiting.get(userId)!.reason);
        return { remoteUserId, refusals: Math.max(0, ...refusals), refusedFor };
      };
      const causes = causesOf(view, people, remoteUserIds, marks, waiting);
      await markMayBeMember(tx, remoteGroupId, add);
      await markIntents(tx, remoteGroupId, 'adding', add.map(intentOf));
      await manageMembers(tx, remoteGroupId, manage);
      // The target refused to remove these members. But someone may have removed them by hand since.
      await noteUnclear(
        tx,
        remoteGroupId,
        manage.filter((id) => known.get(id)?.state === 'removing'),
      );
      const fullPeople = full.flatMap((remoteUserId) => peopleOf.get(remoteUserId) ?? []);
      await parkPeople(tx, run.integration.id, remoteGroupId, [
        ...park.map(({ userId, reason, message, nextCheckAt }) => ({
          userId,
          kind: 'waiting' as const,
          reason,
          message,
          attempts: 0,
          nextAttemptAt: Math.max(nextCheckAt, Date.now() + LOOK_UP_SOON_MS),
        })),
        ...fullPeople.map((userId) => ({
          userId,
          kind: 'waiting' as const,
          reason: GROUP_FULL,
          message: noPlaceMessage(run.provider.limits.membersPerGroup),
          attempts: 0,
          nextAttemptAt: Date.now() + refusalDelay(2),
        })),
      ]);
      await unparkPeople(
        tx,
        remoteGroupId,
        unpark.filter((userId) => waiting.has(userId)),
      );
      // A user that does not use its reserved place passes it to the next.
      const unusedPlaces = [...waiting].filter(
        ([userId, { hasPlace }]) => hasPlace && !joiningUserIds.has(userId),
      ).length;
      if (unusedPlaces > 0 && full.length === 0) await offerFreedPlaces(tx, remoteGroupId, unusedPlaces);
      if (park.length + fullPeople.length + waiting.size > 0) {
        await noteCauses(tx, 'parked_member', remoteGroupId, causes.ofUsers);
      }
      await noteCauses(tx, 'remote_member', remoteGroupId, causesAmong(causes.ofRemoteUsers, add));
      if (add.length > 0) await beginWriting(tx, remoteGroupId);
      return causes.ofRemoteUsers;
    });
  }

  /**
   * Whether an addition is open that may succeed soon. An addition that keeps failing keeps no member in the
   * group, unless the whole account is unreachable: then the failure says nothing about the user.
   */
  private async waitsForAdditions(
    run: RunContext,
    view: GroupWithRemote,
    leaving: readonly string[],
  ): Promise<boolean> {
    const { mayPass, lasts } = await this.leases.run(run.lease, (tx) =>
      openAdditions(tx, view.remote.id, leaving),
    );
    if (mayPass || !lasts) return mayPass;
    try {
      return (await run.connection.getGroup(view.remote.remoteId, run.call)) === null;
    } catch (error) {
      if (isPassing(error)) return true;
      throw error;
    }
  }

  /** Skips members whose removal waits for an admin or was rejected. */
  private async postponeRemovals(
    run: RunContext,
    view: GroupWithRemote,
    remoteUserIds: readonly string[],
    causes: ReadonlyMap<string, string>,
  ): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      const states = await itemStates(tx, view.groupId, remoteUserIds);
      const waiting = remoteUserIds.filter((id) => (states.get(id) ?? 'approved') === 'approved');
      // Due at the same time as the addition, which is sent first.
      const { nextAttemptAt } = await openAdditions(tx, view.remote.id, remoteUserIds);
      await waitForAdditions(tx, view.remote.id, waiting, nextAttemptAt ?? undefined);
      await noteCauses(tx, 'remote_member', view.remote.id, causesAmong(causes, waiting));
    });
  }

  /** A pair that has changed again has a newer mark and stays unprocessed. */
  private async acknowledge(run: RunContext, groupId: string, marks: readonly PairMark[]): Promise<void> {
    const usersOf = new Map<string, string[]>();
    for (const { userId, mark } of marks) usersOf.set(mark, [...(usersOf.get(mark) ?? []), userId]);
    if (usersOf.size === 0) return;
    await this.leases.run(run.lease, async (tx) => {
      for (const [mark, userIds] of usersOf) {
        await tx.query(
          `DELETE FROM member_change WHERE groupId = ? AND mark = ? AND userId IN (${inList(userIds)})`,
          [groupId, mark, ...userIds],
        );
      }
    });
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function remoteIdsOf(removals: MemberPlan['remove']): string[] {
  return removals.map(({ remoteUserId }) => remoteUserId);
}
