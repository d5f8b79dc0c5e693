import { Injectable } from '@nestjs/common';
import { chunksOf } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import { inList } from '../../database/dialect';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import {
  ADDITION_NOT_FOUND,
  GROUP_FULL,
  GROUP_GONE,
  ProviderError,
  USER_GONE,
} from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import { isJustCreated } from '../plan/just-created';
import {
  type MemberPlan,
  type MemberPlanInput,
  type Person,
  WAITS_FOR_ADDITIONS,
  isStranger,
  noPlaceMessage,
  planMembers,
} from '../plan/member-plan';
import { itemStates } from '../guard/removal-history';
import { RemovalScreen, type ScreenedTeam } from '../guard/removal-screen';
import { Leases } from '../schedule/lease';
import { causesOf, noteCauses, notedCauses } from './causes';
import type { GroupView } from './group-view';
import { tellKeptLeavers } from './kept-leavers';
import {
  LOOK_UP_SOON_MS,
  WAITS_FOR_ADDITIONS_MESSAGE,
  callOff,
  countPresent,
  hurryRemovalsThatWait,
  markIntents,
  markRemoving,
  notFoundSince,
  parkPeople,
  postpone,
  postponeUnsent,
  recordApplied,
  recordFailed,
  unparkPeople,
  waitForAdditions,
  waitToBeSeen,
  waitingAmong,
} from './member-records';
import { CHUNK, type PairMark, People } from './people';
import { ProvisioningAudit } from './provisioning-audit';
import { GroupBlockedError } from './group-blocked';
import { isNotSeenYet, unlessNotSeenYet, unlessNotVisibleYet } from './not-visible-yet';
import { addedByUs, addedByUsAndKept, usersLinkedTo } from './known-target';
import { countPlaces, offerFreedPlaces } from './places';
import type { RunContext } from './run-context';
import type { TeamTurn } from './team-turns';
import type { ViewWithTeam } from './teams';
import { noteCutOff, noteUnclear, resolveUnclear, unclearDue, undoneAmong, waitAnew } from './unclear-writes';
import { UserResolution } from './user-resolution';

/** Outcomes that share one transaction: few enough to lose little, enough to make the commit cheap. */
const OUTCOMES_PER_COMMIT = 20;
/** So many in a row whom a team that was just made does not take are not to blame: it is not there yet for writes. */
const UNSEEN_THAT_STOP = 3;

/** Brings members of one team to where the IdP wants them. */
@Injectable()
export class Members {
  constructor(
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * Plans and applies these people and remote users of one group.
   *
   * @param marks what is looked at with this, and acknowledged once everything of it is applied or parked
   * @throws ProviderError when it makes no sense to go on with this team now; what was intended is sent again later
   */
  async apply(
    run: RunContext,
    view: ViewWithTeam,
    userIds: readonly string[],
    remoteUserIds: readonly string[],
    marks: readonly PairMark[] = [],
  ): Promise<void> {
    // Of a large group much may be left to compare before the next call.
    run.call.assertMaySend();
    const stopped = await run.teams.take(view.groupId, async (turn) => {
      turn.removed.clear();
      const left = turn.hadLeavers ? await this.people.stillChanged(view.groupId, userIds, marks) : userIds;
      const input = await this.planInput(run, view, left, remoteUserIds);
      const plan = await this.withStrangersConfirmed(run, view, planMembers(input), input);
      const causes = await this.recordPlan(run, view, plan, input, marks);
      const added = await this.send(run, view, { add: plan.add, remove: [] }, input, turn);
      const removed = await this.applyRemovals(run, view, plan, input, turn, {
        causes,
        addsFailed: added.failed !== null,
      });
      return added.stopped ?? removed.stopped;
    });
    // What failed, and what was not sent for it, has its own row with its next attempt: nobody else has to wait for that.
    await this.acknowledge(run, view.groupId, marks);
    if (stopped) throw stopped;
  }

  /**
   * Those who left the IdP leave the team, whatever it is that keeps everything else of the group from being done. But for
   * somebody who may be about to come back as another user.
   *
   * @throws ProviderError as `apply`
   */
  async letLeaversGo(run: RunContext, view: ViewWithTeam): Promise<void> {
    const now = Date.now();
    for (let after = ''; ;) {
      const remoteUserIds = await this.people.remoteMembersNotWaiting(view.remote.id, after, now, CHUNK);
      if (remoteUserIds.length === 0) return;
      after = remoteUserIds.at(-1)!;
      await run.teams.take(view.groupId, async (turn) => {
        const input = await this.planInput(run, view, [], remoteUserIds);
        // Their changes stay marked, to be acknowledged once they are looked at in their turn.
        const stopped = await this.removeLeavers(run, view, turn, input, async () => {
          const marks = await this.people.changedPairs(view.groupId, CHUNK);
          const userIds = marks.map(({ userId }) => userId);
          return { marks, people: (await this.planInput(run, view, userIds, [])).people };
        });
        if (stopped) throw stopped;
      });
    }
  }

  /**
   * As `letLeaversGo`, for these of them: at once, between two calls of whoever is at the team.
   *
   * @param remoteUserIds leavers whose removal is tried again
   * @returns those of the pairs of which everything is applied or parked
   * @throws ProviderError that concerns the whole account, or the team
   */
  letGoAtOnce(
    run: RunContext,
    view: ViewWithTeam,
    marks: readonly PairMark[],
    remoteUserIds: readonly string[],
  ): Promise<readonly PairMark[]> {
    return run.teams.take(view.groupId, async (turn) => {
      const userIds = marks.map(({ userId }) => userId);
      const input = await this.planInput(run, view, userIds, remoteUserIds);
      const { people } = input;
      // Whatever stopped it, each of them has a row with the next attempt.
      await this.removeLeavers(run, view, turn, input, () => Promise.resolve({ marks, people }));
      const isGone = ({ link }: Person) => link.kind === 'resolved' && turn.removed.has(link.remoteUserId);
      const gone = new Set(people.filter(isGone).map(({ userId }) => userId));
      return marks.filter(({ userId }) => gone.has(userId));
    });
  }

  /** @returns the passing failure that ended it early */
  private async removeLeavers(
    run: RunContext,
    view: ViewWithTeam,
    turn: TeamTurn,
    input: MemberPlanInput,
    origin: () => Promise<{ marks: readonly PairMark[]; people: MemberPlanInput['people'] }>,
  ): Promise<ProviderError | null> {
    const leavers = remoteIdsOf(planMembers(input).remove.filter(({ leaver }) => leaver));
    const mayStay = await this.people.mayBeWanted(view.groupId, leavers);
    const leaving = leavers.filter((id) => !mayStay.has(id));
    if (leaving.length === 0) return null;
    const { marks, people } = await origin();
    const causes = causesOf(view, people, leaving, marks, new Map()).ofRemoteUsers;
    const remove = await this.recordRemovals(run, view, { add: [], remove: leaving }, input.known, causes);
    // However the calls end: whoever is at the team must not go by what was planned for these before.
    for (const remoteUserId of remove) turn.removed.add(remoteUserId);
    return (await this.send(run, view, { add: [], remove }, input, null)).stopped;
  }

  private planInput(
    run: RunContext,
    view: ViewWithTeam,
    userIds: readonly string[],
    remoteUserIds: readonly string[],
  ): Promise<MemberPlanInput> {
    const group = {
      integrationId: run.integration.id,
      groupId: view.groupId,
      remoteGroupId: view.remote.id,
      membersPerGroup: run.provider.limits.membersPerGroup,
      unmanagedMembers: run.integration.policies.unmanagedMembers,
    };
    return this.people.planInput(group, userIds, remoteUserIds);
  }

  /**
   * A call whose answer never came may have taken effect after the one that was to follow it. Once that is past, the
   * team's own list tells, in one reading for all whom it may concern, and what was undone is done again.
   */
  async makeSure(run: RunContext, view: ViewWithTeam, now: number): Promise<void> {
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
   * Everybody whom we added leaves; whoever was there before stays. For whoever has the team's turn.
   *
   * @throws GroupBlockedError when the target keeps somebody whom we added
   */
  async releaseAll(run: RunContext, view: ViewWithTeam): Promise<void> {
    for (let after = ''; ;) {
      const chunk = await this.people.remoteMembersAfter(view.remote.id, after, CHUNK);
      if (chunk.length === 0) break;
      after = chunk.at(-1)!;
      const ours = await this.leases.run(run.lease, async (tx) => {
        const ids = await addedByUs(tx, view.remote.id, chunk);
        if (ids.length > 0) await markRemoving(tx, view.remote.id, ids);
        return ids;
      });
      const { failed, stopped } = await this.send(run, view, { add: [], remove: ours }, NOBODY, null);
      const failure = stopped ?? failed;
      if (failure) throw failure;
    }
    const kept = await this.leases.run(run.lease, (tx) => addedByUsAndKept(tx, view.remote.id));
    if (kept) throw new GroupBlockedError(kept.reason, kept.message);
  }

  /**
   * A stranger is removed only if the team's own list still has them: what reconciliation read may have shifted under it.
   * Who is not in that list left by themselves, and is forgotten.
   */
  private async withStrangersConfirmed(
    run: RunContext,
    view: ViewWithTeam,
    plan: MemberPlan,
    { known }: MemberPlanInput,
  ): Promise<MemberPlan> {
    const isUnconfirmed = ({ remoteUserId }: { remoteUserId: string }): boolean => {
      const member = known.get(remoteUserId)!;
      return member.state === 'present' && isStranger(member);
    };
    if (!plan.remove.some(isUnconfirmed)) return plan;
    const members = await run.connection.listMembers(view.remote.remoteId, run.call);
    const present = new Set(members.map(({ remoteUserId }) => remoteUserId));
    const [gone, remove] = partition(
      plan.remove,
      (removal) => isUnconfirmed(removal) && !present.has(removal.remoteUserId),
    );
    for await (const some of chunksOf(gone)) {
      await this.leases.run(run.lease, (tx) =>
        tx.query(
          `DELETE FROM remote_member WHERE remoteGroupId = ? AND state = 'present' AND managed = 0
             AND remoteUserId IN (${inList(some)})`,
          [view.remote.id, ...some.map(({ remoteUserId }) => remoteUserId)],
        ),
      );
    }
    return { ...plan, remove };
  }

  /**
   * Nobody leaves to make room for somebody who could not come; but a leaver leaves in any case. Whether so many may leave
   * is asked last: only now it is known who has joined, and whether the team would be left empty.
   *
   * From a full team a few leave at a time, and the next ones once somebody has got their places: if the target fails in
   * between, the rota is short by no more than these.
   */
  private async applyRemovals(
    run: RunContext,
    view: ViewWithTeam,
    plan: MemberPlan,
    input: MemberPlanInput,
    turn: TeamTurn,
    { causes, addsFailed }: { causes: ReadonlyMap<string, string>; addsFailed: boolean },
  ): Promise<Sent> {
    const removals = plan.remove.filter(({ remoteUserId }) => !turn.removed.has(remoteUserId));
    if (removals.length === 0) return ALL_ANSWERED;
    const [leaving, replaced] = partition(removals, ({ leaver }) => leaver);
    const waits =
      replaced.length > 0 && (addsFailed || (await this.additionsOpen(run, view, remoteIdsOf(removals))));
    const planned = remoteIdsOf(waits ? leaving : removals);
    const remove = await this.recordRemovals(
      run,
      view,
      { add: plan.add, remove: planned },
      input.known,
      causes,
    );
    const next = waits ? remove : await this.firstToLeave(run, view, remove, new Set(remoteIdsOf(leaving)));
    const sent = await this.send(run, view, { add: [], remove: next }, input, turn);
    if (waits) await this.postponeRemovals(run, view, remoteIdsOf(replaced), causes);
    return sent;
  }

  /** @returns who leaves now; others wait until somebody has joined in a place that became free */
  private async firstToLeave(
    run: RunContext,
    view: ViewWithTeam,
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
   * The intents are committed before anything is sent: a crash in between makes nobody a stranger.
   *
   * @returns by remote user, the request for which they are added or removed
   */
  private async recordPlan(
    run: RunContext,
    view: ViewWithTeam,
    plan: MemberPlan,
    { people, remoteUserIds, wanted: peopleOf, known }: MemberPlanInput,
    marks: readonly PairMark[],
  ): Promise<ReadonlyMap<string, string>> {
    const remoteGroupId = view.remote.id;
    const { add, manage, park, full, unpark } = plan;
    const remove = new Set(remoteIdsOf(plan.remove));
    const stay = [...known].flatMap(([id, { waitsToLeave }]) =>
      waitsToLeave && !remove.has(id) ? [id] : [],
    );
    const changes = [add, plan.remove, manage, park, full, unpark, stay];
    if (changes.every(({ length }) => length === 0)) return new Map();
    return this.leases.run(run.lease, async (tx) => {
      await this.screen.wantedAgain(tx, view.groupId, [...peopleOf.keys()]);
      await callOff(tx, remoteGroupId, stay);
      await noteCutOff(tx, remoteGroupId, add);
      const waiting = await waitingAmong(
        tx,
        remoteGroupId,
        people.map(({ userId }) => userId),
      );
      const intentOf = (remoteUserId: string) => {
        const waited = (peopleOf.get(remoteUserId) ?? []).flatMap((id) => waiting.get(id) ?? []);
        const [last] = waited.sort((a, b) => b.attempts - a.attempts);
        return { remoteUserId, attempts: last?.attempts ?? 0, refusedFor: last?.reason };
      };
      const causes = causesOf(view, people, remoteUserIds, marks, waiting);
      await markIntents(tx, remoteGroupId, 'adding', add.map(intentOf));
      for await (const some of chunksOf(manage)) {
        await tx.query(
          `UPDATE remote_member SET managed = 1 WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
          [remoteGroupId, ...some],
        );
      }
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
      // Whoever had a place coming and does not take it leaves it to the next.
      const takers = new Set(add.flatMap((remoteUserId) => peopleOf.get(remoteUserId) ?? []));
      const left = [...waiting].filter(([userId, { hasPlace }]) => hasPlace && !takers.has(userId)).length;
      if (left > 0 && full.length === 0) await offerFreedPlaces(tx, remoteGroupId, left);
      if (park.length + fullPeople.length + waiting.size > 0) {
        await noteCauses(tx, 'parked_member', remoteGroupId, causes.ofUsers);
      }
      await noteCauses(tx, 'remote_member', remoteGroupId, among(causes.ofRemoteUsers, add));
      if (add.length > 0) await beginWriting(tx, remoteGroupId);
      return causes.ofRemoteUsers;
    });
  }

  /** @returns the remote users who may be removed; others are held back for an admin */
  private async recordRemovals(
    run: RunContext,
    view: ViewWithTeam,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
    known: MemberPlanInput['known'],
    causes: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    if (remove.length === 0) return [];
    const remoteGroupId = view.remote.id;
    return this.leases.run(run.lease, async (tx) => {
      // A removal that was let through once is counted, and is not asked about again. An addition that was never answered is
      // undone: nobody leaves the team by that.
      const [fresh, underWay] = partition(remove, (id) => known.get(id)?.state === 'present');
      const joined = await countPresent(tx, remoteGroupId, add);
      const passed = new Set(await this.screen.removals(tx, screenedTeam(run, view), fresh, joined));
      await callOff(
        tx,
        remoteGroupId,
        fresh.filter((id) => !passed.has(id)),
      );
      const mayLeave = new Set([...underWay, ...passed]);
      const allowed = remove.filter((id) => mayLeave.has(id));
      await noteCutOff(tx, remoteGroupId, allowed);
      for await (const some of chunksOf(allowed)) await markRemoving(tx, remoteGroupId, some);
      await noteCauses(tx, 'remote_member', remoteGroupId, among(causes, allowed));
      if (allowed.length > 0) await beginWriting(tx, remoteGroupId);
      return allowed;
    });
  }

  /**
   * @param turn lets somebody in between two calls; null for who is not to be kept waiting
   * @throws ProviderError when no other call of the account makes sense now, or the team itself is what is wrong
   */
  private async send(
    run: RunContext,
    view: ViewWithTeam,
    change: { add: readonly string[]; remove: readonly string[] },
    concerned: Concerned,
    turn: TeamTurn | null,
  ): Promise<Sent> {
    if (change.add.length + change.remove.length === 0) return ALL_ANSWERED;
    let passing: ProviderError | null = null;
    let stopped: ProviderError | null = null;
    let unseenInARow = 0;
    const unsent = new Set([...change.add, ...change.remove]);
    let unrecorded: MemberOutcome[] = [];
    const flush = async () => {
      const outcomes = unrecorded;
      unrecorded = [];
      if (outcomes.length > 0) await this.recordOutcomes(run, view, outcomes, concerned);
    };
    const role = run.integration.policies.memberRole ?? undefined;
    const isPlanned = (remoteUserId: string) => !turn?.removed.has(remoteUserId);
    const members = {
      add: stillPlanned(change.add, isPlanned, (remoteUserId) => ({ remoteUserId, role })),
      remove: stillPlanned(change.remove, isPlanned, (remoteUserId) => remoteUserId),
    };
    try {
      for await (const sent of run.connection.changeMembers(view.remote.remoteId, members, run.call)) {
        const outcome = sent.applied ? sent : { ...sent, error: await this.judge(run, view, sent) };
        unrecorded.push(outcome);
        unsent.delete(outcome.remoteUserId);
        if (!outcome.applied && outcome.error.isTransient) passing = outcome.error;
        unseenInARow = !outcome.applied && isNotSeenYet(outcome.error) ? unseenInARow + 1 : 0;
        if (unseenInARow >= UNSEEN_THAT_STOP && isJustCreated(view.remote, Date.now())) {
          stopped = passing;
          break;
        }
        if (unrecorded.length >= OUTCOMES_PER_COMMIT || turn?.isWanted) await flush();
        if (turn?.isWanted) await turn.giveWay();
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      stopped = error;
    } finally {
      await flush();
    }
    const failed = passing ?? stopped;
    const postponed = [...unsent].filter(isPlanned);
    if (failed && postponed.length > 0) {
      await this.leases.run(run.lease, (tx) => postponeUnsent(tx, view.remote.id, postponed, failed));
    }
    return { failed, stopped };
  }

  /** That something is not found may mean that it is not shown yet. */
  private async judge(
    run: RunContext,
    { remote }: ViewWithTeam,
    { remoteUserId, error }: MemberOutcome & { applied: false },
  ): Promise<ProviderError> {
    if (error.reason !== ADDITION_NOT_FOUND) return unlessNotVisibleYet(remote, error);
    const since = await this.leases.run(run.lease, (tx) => notFoundSince(tx, remote.id, remoteUserId));
    return unlessNotSeenYet(error, since, Date.now());
  }

  private async recordOutcomes(
    run: RunContext,
    view: ViewWithTeam,
    outcomes: readonly MemberOutcome[],
    concerned: Concerned,
  ): Promise<void> {
    const remoteGroupId = view.remote.id;
    if (outcomes.some(({ applied }) => applied)) run.progress.made = true;
    await this.leases.run(run.lease, async (tx) => {
      const causes = await notedCauses(tx, remoteGroupId, idsOf(outcomes));
      const usersOf = await usersLinkedTo(tx, run.integration.id, idsOf(outcomes));
      for (const outcome of outcomes) {
        const userIds = concerned.wanted.get(outcome.remoteUserId) ?? [];
        if (outcome.applied) {
          await recordApplied(tx, view.groupId, remoteGroupId, outcome, userIds);
        } else if (isNotSeenYet(outcome.error)) {
          await waitToBeSeen(tx, remoteGroupId, outcome.remoteUserId, outcome.error);
        } else {
          await recordFailed(tx, run, remoteGroupId, outcome, {
            userIds,
            isLeaver: concerned.leavers.has(outcome.remoteUserId),
            cause: causes.get(outcome.remoteUserId),
          });
          await this.forgetGone(tx, run, outcome);
        }
      }
      await tellKeptLeavers(
        tx,
        { integrationId: run.integration.id, groupId: view.groupId, remoteGroupId },
        outcomes,
      );
      const unclear = outcomes.filter((outcome) => !outcome.applied && outcome.error.outcome === 'unknown');
      await noteUnclear(tx, remoteGroupId, idsOf(unclear));
      await waitAnew(tx, remoteGroupId, idsOf(outcomes.filter(({ applied }) => applied)));
      const freed = outcomes.filter(freesPlace).length;
      if (freed > 0) await offerFreedPlaces(tx, remoteGroupId, freed);
      if (outcomes.some(endsWaiting)) await hurryRemovalsThatWait(tx, remoteGroupId);
      await this.audit.record(
        tx,
        run,
        outcomes.map((outcome) => ({
          action: outcome.change === 'add' ? 'team_member.added' : 'team_member.removed',
          target: { type: 'group', id: view.groupId },
          outcome: outcome.applied ? ('succeeded' as const) : ('failed' as const),
          cause: causes.get(outcome.remoteUserId),
          attempt: outcome.remoteUserId,
          detail: {
            remoteUserId: outcome.remoteUserId,
            userIds: usersOf.get(outcome.remoteUserId) ?? [],
            ...(outcome.applied ? {} : { reason: outcome.error.reason }),
          },
        })),
      );
    });
  }

  private async forgetGone(
    tx: Transaction,
    run: RunContext,
    { change, remoteUserId, error }: MemberOutcome & { applied: false },
  ): Promise<void> {
    if (change !== 'add' || error.reason !== USER_GONE) return;
    await this.users.forget(tx, run.integration.id, remoteUserId, error.message);
  }

  /** Whether somebody is still to join, whom an earlier attempt could not add. */
  private additionsOpen(run: RunContext, view: ViewWithTeam, leaving: readonly string[]): Promise<boolean> {
    return this.leases.run(run.lease, async (tx) => {
      const open = await tx.query(
        `SELECT 1 FROM remote_member m WHERE m.remoteGroupId = ? AND m.state = 'adding'
           AND (m.kind IS NULL OR (m.kind = 'passing' AND m.reason <> ?)) AND m.remoteUserId NOT IN (${inList(leaving)})
         LIMIT 1`,
        [view.remote.id, WAITS_FOR_ADDITIONS, ...leaving],
      );
      return open.length > 0;
    });
  }

  /** But for those whose removal waits for an admin, or was rejected. */
  private async postponeRemovals(
    run: RunContext,
    view: ViewWithTeam,
    remoteUserIds: readonly string[],
    causes: ReadonlyMap<string, string>,
  ): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      const states = await itemStates(tx, view.groupId, remoteUserIds);
      const waiting = remoteUserIds.filter((id) => (states.get(id) ?? 'approved') === 'approved');
      for (const remoteUserId of waiting) {
        await postpone(tx, view.remote.id, remoteUserId, 'passing', {
          reason: WAITS_FOR_ADDITIONS,
          message: WAITS_FOR_ADDITIONS_MESSAGE,
          delay: (attempts) => passingFailureDelay(attempts, undefined, Math.random()),
        });
      }
      await noteCauses(tx, 'remote_member', view.remote.id, among(causes, waiting));
    });
  }

  /** A pair that changed again meanwhile has a newer mark, and stays to be looked at. */
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

/** Who in the IdP stands behind the calls: who is wanted in the team, and who left. */
type Concerned = Pick<MemberPlanInput, 'wanted' | 'leavers'>;

const NOBODY: Concerned = { wanted: new Map(), leavers: new Set() };

/** How the calls went that were to be sent. */
interface Sent {
  /** The last passing failure, or null when every call was answered for good. */
  failed: ProviderError | null;
  /** The passing failure after which no more of these calls were made. */
  stopped: ProviderError | null;
}

const ALL_ANSWERED: Sent = { failed: null, stopped: null };

/** It may be the matter of one call alone: a call for somebody else may work. */
export function isPassing(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.isTransient && !error.accountWide;
}

/** Each is asked for when it is their turn: meanwhile somebody else may have taken them out. */
function* stillPlanned<T>(
  remoteUserIds: readonly string[],
  isPlanned: (remoteUserId: string) => boolean,
  as: (remoteUserId: string) => T,
): Generator<T> {
  for (const remoteUserId of remoteUserIds) if (isPlanned(remoteUserId)) yield as(remoteUserId);
}

/** Somebody joined, or was refused: nobody has to stay any longer for them. */
function endsWaiting(outcome: MemberOutcome): boolean {
  return outcome.change === 'add' && (outcome.applied || isRefusal(outcome.error));
}

function isRefusal(error: ProviderError): boolean {
  return error.isOfOneObject && error.outcome === 'not-applied';
}

/** Somebody left, or was refused for whom a place had been kept; but one that is full has none to give. */
function freesPlace(outcome: MemberOutcome): boolean {
  if (outcome.applied) return outcome.change === 'remove';
  const { error, change } = outcome;
  return change === 'add' && isRefusal(error) && error.reason !== GROUP_FULL && error.reason !== GROUP_GONE;
}

async function beginWriting(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(
    "UPDATE remote_group SET writeSeq = writeSeq + 1, lastWriteAt = ?, state = 'syncing' WHERE id = ?",
    [Date.now(), remoteGroupId],
  );
}

/** The team as the guard against mass changes counts it. */
export function screenedTeam(run: RunContext, view: GroupView & { remote: { id: string } }): ScreenedTeam {
  return {
    integrationId: run.integration.id,
    groupId: view.groupId,
    remoteGroupId: view.remote.id,
    displayName: view.group?.displayName ?? view.remote.id,
    policy: run.integration.policies.guard,
  };
}

function remoteIdsOf(removals: MemberPlan['remove']): string[] {
  return removals.map(({ remoteUserId }) => remoteUserId);
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function idsOf(outcomes: readonly MemberOutcome[]): string[] {
  return outcomes.map(({ remoteUserId }) => remoteUserId);
}

function among<T>(values: ReadonlyMap<string, T>, ids: readonly string[]): Map<string, T> {
  const wanted = new Set(ids);
  return new Map([...values].filter(([id]) => wanted.has(id)));
}
