import { Injectable } from '@nestjs/common';
import { chunksOf } from '../../database/chunks';
import { inList, upsertSql } from '../../database/dialect';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import { GROUP_FULL, type ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import {
  type MemberPlan,
  type MemberPlanInput,
  isStranger,
  noPlaceMessage,
  planMembers,
} from '../plan/member-plan';
import { RemovalScreen, type ScreenedTeam } from '../guard/removal-screen';
import { Leases } from '../schedule/lease';
import type { GroupView } from './group-view';
import {
  LOOK_UP_SOON_MS,
  markRemoving,
  offerFreedPlaces,
  parkPeople,
  postpone,
  recordApplied,
  recordFailed,
  unparkPeople,
} from './member-records';
import { type PairMark, People } from './people';
import { ProvisioningAudit } from './provisioning-audit';
import { addedByUs } from './known-target';
import type { RunContext } from './run-context';
import { type ViewWithTeam, raiseWriteSeq } from './teams';

/** Outcomes that share one transaction: few enough to lose little, enough to make the commit cheap. */
const OUTCOMES_PER_COMMIT = 20;

/** Brings members of one team to where the IdP wants them. */
@Injectable()
export class Members {
  constructor(
    private readonly people: People,
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
    const remoteGroupId = view.remote.id;
    const input = await this.people.planInput(
      {
        integrationId: run.integration.id,
        groupId: view.groupId,
        remoteGroupId,
        membersPerGroup: run.provider.limits.membersPerGroup,
        unmanagedMembers: run.integration.policies.unmanagedMembers,
      },
      userIds,
      remoteUserIds,
    );
    const plan = await this.withStrangersConfirmed(run, view, planMembers(input), input);
    const peopleOf = input.wanted;
    const removable = await this.recordPlan(run, view, plan, input);
    const addsFailed = await this.send(run, view, { add: plan.add, remove: [] }, peopleOf);
    // Nobody leaves to make room for somebody who could not come; but a leaver leaves in any case.
    const planned = plan.remove.filter(({ remoteUserId }) => removable.has(remoteUserId));
    const remove = planned.filter(({ leaver }) => leaver || !addsFailed);
    await this.send(run, view, { add: [], remove: remove.map(({ remoteUserId }) => remoteUserId) }, peopleOf);
    if (addsFailed && remove.length < planned.length) {
      await this.postponeRemovals(
        run,
        remoteGroupId,
        planned.filter(({ leaver }) => !leaver),
      );
    }
    await this.acknowledge(run, view.groupId, marks);
  }

  /** Everybody whom we added leaves; whoever was there before stays. */
  async releaseAll(run: RunContext, view: ViewWithTeam): Promise<void> {
    let after = '';
    for (;;) {
      const chunk = await this.people.remoteMembersAfter(view.remote.id, after, 500);
      if (chunk.length === 0) return;
      after = chunk.at(-1)!;
      const ours = await this.leases.run(run.lease, async (tx) => {
        const ids = await addedByUs(tx, view.remote.id, chunk);
        if (ids.length > 0) await markRemoving(tx, view.remote.id, ids);
        return ids;
      });
      const failed = await this.send(run, view, { add: [], remove: ours }, new Map());
      if (failed) throw failed;
    }
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
   * The intents are committed before anything is sent: a crash in between makes nobody a stranger.
   *
   * @returns the remote users who may be removed; others are held back for an admin
   */
  private async recordPlan(
    run: RunContext,
    view: ViewWithTeam,
    plan: MemberPlan,
    { wanted: peopleOf, known }: MemberPlanInput,
  ): Promise<ReadonlySet<string>> {
    const remoteGroupId = view.remote.id;
    const { add, manage, park, full, unpark } = plan;
    const remove = plan.remove.map(({ remoteUserId }) => remoteUserId);
    if ([add, remove, manage, park, full, unpark].every(({ length }) => length === 0)) return new Set();
    return this.leases.run(run.lease, async (tx) => {
      // A removal that was let through once is counted, and is not asked about again.
      const [underWay, fresh] = partition(remove, (id) => known.get(id)?.state === 'removing');
      const allowed = [...underWay, ...(await this.screen.removals(tx, screenedTeam(run, view), fresh))];
      await this.screen.wantedAgain(tx, view.groupId, [...peopleOf.keys()]);
      for await (const some of chunksOf(add)) {
        await tx.query(
          upsertSql({
            table: 'remote_member',
            columns: ['remoteGroupId', 'remoteUserId', 'state', 'managed', 'preexisting', 'attempts'],
            key: ['remoteGroupId', 'remoteUserId'],
            update: ['state', 'managed'],
            rows: some.length,
          }),
          some.flatMap((remoteUserId) => [remoteGroupId, remoteUserId, 'adding', 1, 0, 0]),
        );
      }
      for await (const some of chunksOf(allowed)) await markRemoving(tx, remoteGroupId, some);
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
          nextAttemptAt: Math.max(nextCheckAt, Date.now() + LOOK_UP_SOON_MS),
        })),
        ...fullPeople.map((userId) => ({
          userId,
          kind: 'waiting' as const,
          reason: GROUP_FULL,
          message: noPlaceMessage(run.provider.limits.membersPerGroup),
          nextAttemptAt: Date.now() + refusalDelay(2),
        })),
      ]);
      await unparkPeople(tx, remoteGroupId, unpark);
      if (add.length + allowed.length > 0) {
        await raiseWriteSeq(tx, remoteGroupId);
        await tx.query("UPDATE remote_group SET state = 'syncing' WHERE id = ?", [remoteGroupId]);
      }
      return new Set(allowed);
    });
  }

  /** @returns the last passing failure, or null when every call was answered for good */
  private async send(
    run: RunContext,
    view: ViewWithTeam,
    change: { add: readonly string[]; remove: readonly string[] },
    peopleOf: ReadonlyMap<string, readonly string[]>,
  ): Promise<ProviderError | null> {
    if (change.add.length + change.remove.length === 0) return null;
    let passing: ProviderError | null = null;
    let unrecorded: MemberOutcome[] = [];
    const flush = async () => {
      const outcomes = unrecorded;
      unrecorded = [];
      if (outcomes.length > 0) await this.recordOutcomes(run, view, outcomes, peopleOf);
    };
    const role = run.integration.policies.memberRole ?? undefined;
    const members = {
      add: change.add.map((remoteUserId) => ({ remoteUserId, role })),
      remove: change.remove,
    };
    try {
      for await (const outcome of run.connection.changeMembers(view.remote.remoteId, members, run.call)) {
        unrecorded.push(outcome);
        if (!outcome.applied && outcome.error.isTransient) passing = outcome.error;
        if (unrecorded.length >= OUTCOMES_PER_COMMIT) await flush();
      }
    } finally {
      await flush();
    }
    return passing;
  }

  private async recordOutcomes(
    run: RunContext,
    view: ViewWithTeam,
    outcomes: readonly MemberOutcome[],
    peopleOf: ReadonlyMap<string, readonly string[]>,
  ): Promise<void> {
    const remoteGroupId = view.remote.id;
    if (outcomes.some(({ applied }) => applied)) run.progressed = true;
    await this.leases.run(run.lease, async (tx) => {
      for (const outcome of outcomes) {
        const people = peopleOf.get(outcome.remoteUserId) ?? [];
        if (outcome.applied) await recordApplied(tx, view.groupId, remoteGroupId, outcome, people);
        else await recordFailed(tx, run, remoteGroupId, outcome, people);
      }
      const removed = outcomes.filter((outcome) => outcome.applied && outcome.change === 'remove').length;
      if (removed > 0) await offerFreedPlaces(tx, remoteGroupId, removed);
      await this.audit.record(
        tx,
        run,
        outcomes.map((outcome) => ({
          action: outcome.change === 'add' ? 'team_member.added' : 'team_member.removed',
          target: { type: 'group', id: view.groupId },
          outcome: outcome.applied ? ('succeeded' as const) : ('failed' as const),
          detail: {
            remoteUserId: outcome.remoteUserId,
            userIds: people(peopleOf, outcome.remoteUserId),
            ...(outcome.applied ? {} : { reason: outcome.error.reason }),
          },
        })),
      );
    });
  }

  private async postponeRemovals(
    run: RunContext,
    remoteGroupId: string,
    removals: readonly { remoteUserId: string }[],
  ): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      for (const { remoteUserId } of removals) {
        await postpone(tx, remoteGroupId, remoteUserId, 'passing', {
          reason: 'waits_for_additions',
          message: 'The person leaves the team once those who are to join it have joined.',
          delay: (attempts) => passingFailureDelay(attempts, undefined, Math.random()),
        });
      }
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

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function people(peopleOf: ReadonlyMap<string, readonly string[]>, remoteUserId: string): readonly string[] {
  return peopleOf.get(remoteUserId) ?? [];
}
