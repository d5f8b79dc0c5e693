import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../database/transaction-runner';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import {
  ADDITION_NOT_FOUND,
  GROUP_FULL,
  GROUP_GONE,
  ProviderError,
  USER_GONE,
} from '../../integrations/provider/provider-error';
import { isJustCreated } from '../plan/just-created';
import type { MemberPlanInput } from '../plan/member-plan';
import { Leases } from '../schedule/lease';
import { leaversAmong } from '../state/leavers';
import { notedCauses } from './causes';
import { logKeptLeavers } from './kept-leavers';
import { usersLinkedTo } from './known-target';
import {
  scheduleWaitingRemovalsNow,
  notFoundSince,
  recordApplied,
  recordFailed,
  waitToBeSeen,
} from './member-records';
import { isNotSeenYet, unlessNotSeenYet, unlessNotVisibleYet } from './not-visible-yet';
import { countGivenUp, offerFreedPlaces } from './places';
import { ProvisioningAudit } from './provisioning-audit';
import type { RunContext } from './run-context';
import type { GroupTurn } from './group-turns';
import type { GroupWithRemote } from './remote-groups';
import { noteUnclear, restartWait } from './unclear-writes';
import { postponeUnsent, postponeRefused } from './unsent-calls';
import { UserResolution } from './user-resolution';
import { isDenial } from './watched-writes';

/** Outcomes per transaction: few enough to lose little in a crash, enough to make the commit cheap. */
const OUTCOMES_PER_COMMIT = 20;
/**
 * So many failures in a row on a just-created remote group are not the users' fault: the group does not take
 * writes yet.
 */
const UNSEEN_THAT_STOP = 3;

/** The IdP users behind the calls: the members that it wants in the remote group. */
export type Concerned = Pick<MemberPlanInput, 'wanted'>;

export const NO_MEMBERS: Concerned = { wanted: new Map() };

/** The result of the planned calls. */
export interface Sent {
  /** The last passing failure, or null if every call got a final answer. */
  failed: ProviderError | null;
  /** The passing failure that stopped the remaining calls. */
  stopped: ProviderError | null;
}

export const ALL_ANSWERED: Sent = { failed: null, stopped: null };

/** Makes the intended calls one after the other, and records each outcome. */
@Injectable()
export class MemberCalls {
  constructor(
    private readonly users: UserResolution,
    private readonly leases: Leases,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * @param turn lets other workers in between two calls; null for urgent calls
   * @throws ProviderError when no other call of the account makes sense now, or the remote group itself fails
   */
  async send(
    run: RunContext,
    view: GroupWithRemote,
    change: { add: readonly string[]; remove: readonly string[] },
    concerned: Concerned,
    turn: GroupTurn | null,
  ): Promise<Sent> {
    if (change.add.length + change.remove.length === 0) return ALL_ANSWERED;
    let passing: ProviderError | null = null;
    let stopped: ProviderError | null = null;
    let refusal: ProviderError | null = null;
    let unseenInARow = 0;
    const unsent = new Set([...change.add, ...change.remove]);
    let unrecorded: MemberOutcome[] = [];
    const flush = async () => {
      const outcomes = unrecorded;
      unrecorded = [];
      if (outcomes.length > 0) await this.recordOutcomes(run, view, outcomes, concerned);
    };
    const role = run.integration.policies.memberRole ?? undefined;
    const isPlanned = (remoteUserId: string) => !turn?.doneByOthers.has(remoteUserId);
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
        if (unrecorded.length >= OUTCOMES_PER_COMMIT || turn?.hasWaiters) await flush();
        if (turn?.hasWaiters) await turn.letOthersIn();
      }
    } catch (error) {
      if (isPassing(error)) stopped = error;
      // The remote group or the credential is known to refuse such calls: no other user is tried.
      else if (isDenial(error)) refusal = error;
      else throw error;
    } finally {
      await flush();
    }
    const failed = passing ?? stopped;
    const postponed = [...unsent].filter(isPlanned);
    if (refusal) await this.postpone(run, view, postponed, refusal, concerned);
    else if (failed && postponed.length > 0) {
      await this.leases.run(run.lease, (tx) => postponeUnsent(tx, view.remote.id, postponed, failed));
    }
    return { failed, stopped };
  }

  private async postpone(
    run: RunContext,
    view: GroupWithRemote,
    remoteUserIds: readonly string[],
    refusal: ProviderError,
    { wanted }: Concerned,
  ): Promise<void> {
    const remoteGroup = { integrationId: run.integration.id, remoteGroupId: view.remote.id };
    await this.leases.run(run.lease, (tx) =>
      postponeRefused(tx, remoteGroup, remoteUserIds, refusal, wanted),
    );
  }

  /** "Not found" may mean "not shown yet". */
  private async judge(
    run: RunContext,
    { remote }: GroupWithRemote,
    { remoteUserId, error }: MemberOutcome & { applied: false },
  ): Promise<ProviderError> {
    if (error.reason !== ADDITION_NOT_FOUND) return unlessNotVisibleYet(remote, error);
    const since = await this.leases.run(run.lease, (tx) => notFoundSince(tx, remote.id, remoteUserId));
    return unlessNotSeenYet(error, since, Date.now());
  }

  private async recordOutcomes(
    run: RunContext,
    view: GroupWithRemote,
    outcomes: readonly MemberOutcome[],
    concerned: Concerned,
  ): Promise<void> {
    const remoteGroupId = view.remote.id;
    if (outcomes.some(({ applied }) => applied)) run.progress.made = true;
    await this.leases.run(run.lease, async (tx) => {
      const causes = await notedCauses(tx, remoteGroupId, idsOf(outcomes));
      const usersOf = await usersLinkedTo(tx, run.integration.id, idsOf(outcomes));
      const kept = outcomes.filter(({ change, applied }) => change === 'remove' && !applied);
      // A user may have left the IdP since the plan was made.
      const leavers = await leaversAmong(tx, run.integration.id, idsOf(kept));
      for (const outcome of outcomes) {
        const userIds = concerned.wanted.get(outcome.remoteUserId) ?? [];
        if (outcome.applied) {
          await recordApplied(tx, view.groupId, remoteGroupId, outcome, userIds);
        } else if (isNotSeenYet(outcome.error)) {
          await waitToBeSeen(tx, remoteGroupId, outcome.remoteUserId, outcome.error);
        } else {
          await recordFailed(tx, run, remoteGroupId, outcome, {
            userIds,
            isLeaver: leavers.has(outcome.remoteUserId),
            cause: causes.get(outcome.remoteUserId),
          });
          await this.forgetGone(tx, run, outcome);
        }
      }
      await logKeptLeavers(
        tx,
        { integrationId: run.integration.id, groupId: view.groupId, remoteGroupId },
        outcomes,
      );
      const unclear = outcomes.filter((outcome) => !outcome.applied && outcome.error.outcome === 'unknown');
      await noteUnclear(tx, remoteGroupId, idsOf(unclear));
      await restartWait(tx, remoteGroupId, idsOf(outcomes.filter(({ applied }) => applied)));
      const lasting = await countGivenUp(tx, remoteGroupId, idsOf(outcomes.filter(failsToJoin)));
      const freed = outcomes.filter(freesPlace).length + lasting;
      if (freed > 0) await offerFreedPlaces(tx, remoteGroupId, freed);
      if (lasting > 0 || outcomes.some(endsWaiting)) await scheduleWaitingRemovalsNow(tx, remoteGroupId);
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
    await this.users.unlinkGoneUser(tx, run.integration.id, remoteUserId, error.message);
  }
}

/** The failure may concern one call only: a call for another user may work. */
export function isPassing(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.isTransient && !error.accountWide;
}

/** Checked right before each call: another worker may have processed the user meanwhile. */
function* stillPlanned<T>(
  remoteUserIds: readonly string[],
  isPlanned: (remoteUserId: string) => boolean,
  as: (remoteUserId: string) => T,
): Generator<T> {
  for (const remoteUserId of remoteUserIds) if (isPlanned(remoteUserId)) yield as(remoteUserId);
}

/** An addition succeeded or was refused: no member has to stay for it any longer. */
function endsWaiting(outcome: MemberOutcome): boolean {
  return outcome.change === 'add' && (outcome.applied || isRefusal(outcome.error));
}

function failsToJoin(outcome: MemberOutcome): boolean {
  return outcome.change === 'add' && !outcome.applied && outcome.error.isTransient;
}

function isRefusal(error: ProviderError): boolean {
  return error.isOfOneObject && error.outcome === 'not-applied';
}

/** A member left, or a user with a reserved place was refused. But a full remote group has no place to give. */
function freesPlace(outcome: MemberOutcome): boolean {
  if (outcome.applied) return outcome.change === 'remove';
  const { error, change } = outcome;
  return change === 'add' && isRefusal(error) && error.reason !== GROUP_FULL && error.reason !== GROUP_GONE;
}

function idsOf(outcomes: readonly MemberOutcome[]): string[] {
  return outcomes.map(({ remoteUserId }) => remoteUserId);
}
