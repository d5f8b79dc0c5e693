import { Injectable } from '@nestjs/common';
import { deleteInThousands } from '../../database/bounded-delete';
import type { Transaction } from '../../database/transaction-runner';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import { type LetGoAction, mayBeDeletedByUs, planLettingGo } from '../plan/group-plan';
import { HELD, REJECTED } from '../plan/mass-change-guard';
import { settleSoon, settledSoonUntil } from '../plan/just-created';
import { NAME_NOT_FREE_YET } from '../plan/new-team';
import { Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { deriveGroupState } from '../state/group-state';
import { openPeople } from '../state/open-people';
import { RemoteGroup } from '../state/remote-group.entity';
import { makeGroupsDue } from '../state/waiting-groups';
import { dropItemsOf, dropItemsOfAbsent } from '../guard/held-items';
import { RemovalScreen } from '../guard/removal-screen';
import { offerFreedNames } from './freed-names';
import {
  GroupBlockedError,
  GroupHeldError,
  GroupTakenOverError,
  NameNotFreeYetError,
  TAKEN_OVER,
  TAKEN_OVER_MESSAGE,
} from './group-blocked';
import type { GroupView } from './group-view';
import { successorOf } from './known-target';
import { LeaverRemoval } from './leaver-removal';
import { isPassing } from './member-calls';
import { Members } from './members';
import { unsentDueAt } from './member-records';
import { isOfOneUnseenTeam, isOutage, unlessNotVisibleYet } from './not-visible-yet';
import { CHUNK, MAX_RETRY_CHUNKS, type PairMark, People } from './people';
import { ProvisioningAudit } from './provisioning-audit';
import { screenedTeam } from './removal-intents';
import { type RunContext, atPriority } from './run-context';
import { TeamNames } from './team-names';
import { Teams, type ViewWithTeam } from './teams';
import { unclearDueAt } from './unclear-writes';
import { UserResolution, askedFor, askedForBy } from './user-resolution';
import { raiseWriteSeq } from './write-seq';

/** The successor has its turn in the same run, or in the next. */
const TAKEN_OVER_WITHIN_MS = 1_000;

/**
 * Brings one group's team to where the IdP wants it. Safe to cut off at any point and to run again: what is intended is
 * committed before it is sent, and a change is acknowledged only when everything of it is applied, or parked in a row
 * of its own with its reason and next attempt.
 */
@Injectable()
export class GroupApplier {
  constructor(
    private readonly teams: Teams,
    private readonly names: TeamNames,
    private readonly members: Members,
    private readonly leavers: LeaverRemoval,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
    private readonly ledger: WorkLedger,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * @param found what a look-up of names has just shown
   * @throws ProviderError that concerns the whole account, after it was recorded with the group
   * @throws LeaseLostError
   */
  async apply(run: RunContext, view: GroupView, found?: ReadonlyMap<string, FoundTeam>): Promise<void> {
    let current = view;
    try {
      const { groupId, group } = view;
      if (!group) {
        await run.teams.take(groupId, () => this.letGo(run, view));
        return;
      }
      const now = Date.now();
      const withTeam = await run.teams.take(groupId, () => this.teams.ensure(run, { ...view, group }, found));
      current = withTeam;
      try {
        const named = await run.teams.take(groupId, () => this.names.ensure(run, withTeam, now));
        await this.applyMembers(run, named, now);
        await this.acknowledge(run, named);
      } catch (failure) {
        if (isOfSomeCalls(failure)) await this.leavers.letLeaversGo(atPriority(run, 'leaver'), withTeam);
        throw failure;
      }
    } catch (failure) {
      const error = current.remote ? unlessNotVisibleYet(current.remote, failure) : failure;
      await this.recordFailure(run, current, error);
      if (error instanceof ProviderError && (error.accountWide || error.isTransient)) throw error;
    }
  }

  /**
   * What all of these groups need could not be had: each says so, and lets go whoever leaves all the same.
   *
   * @throws ProviderError when that fails too
   */
  async putOff(run: RunContext, views: readonly GroupView[], error: ProviderError): Promise<void> {
    for (const view of views) {
      if (view.group && !view.remote) await this.teams.begin(run, { ...view, group: view.group });
      await this.recordFailure(run, view, error);
    }
    if (!isOfSomeCalls(error)) return;
    for (const view of views) {
      if (!view.group || !view.remote?.remoteId) continue;
      await this.leavers.letLeaversGo(atPriority(run, 'leaver'), view as ViewWithTeam);
    }
  }

  private async applyMembers(run: RunContext, view: ViewWithTeam, now: number): Promise<void> {
    let pairs = await this.people.changedPairs(view.groupId, CHUNK);
    if (view.change?.whole || pairs.length === CHUNK) {
      await this.applyJoiningPairs(run, view);
      if (view.change?.whole) await this.compareMembers(run, view, now);
      pairs = await this.people.changedPairs(view.groupId, CHUNK);
    }
    for (; pairs.length > 0; pairs = await this.people.changedPairs(view.groupId, CHUNK)) {
      await this.applyPairs(run, view, pairs);
    }
    if (view.change?.whole) await this.compareTeam(run, view, now);
    for (let turn = 0; turn < MAX_RETRY_CHUNKS; turn++) {
      const userIds = await this.people.parkedDue(view.remote.id, now, CHUNK);
      await this.users.resolve(run, askedFor(userIds));
      const remoteUserIds = await this.people.callsDue(view.remote.id, now, CHUNK);
      if (userIds.length + remoteUserIds.length === 0) break;
      await this.members.apply(run, view, userIds, remoteUserIds);
    }
    await this.members.makeSure(run, view, now);
  }

  /**
   * Of more people than are looked at together, those who join come first: nobody leaves before them. And where the whole
   * group is compared, whoever changed on their own joins for that reason.
   */
  private async applyJoiningPairs(run: RunContext, view: ViewWithTeam): Promise<void> {
    for (let after = ''; ;) {
      const pairs = await this.people.joiningPairs(view.groupId, CHUNK, after);
      if (pairs.length === 0) break;
      await this.applyPairs(run, view, pairs);
      after = pairs.at(-1)!.userId;
    }
  }

  private async applyPairs(run: RunContext, view: ViewWithTeam, pairs: readonly PairMark[]): Promise<void> {
    const userIds = pairs.map(({ userId }) => userId);
    // Nearly always done for the whole batch; but these may have come since.
    await this.users.resolve(run, askedForBy(pairs));
    await this.members.apply(run, view, userIds, [], pairs);
  }

  /** Everybody in the group, before anybody leaves. */
  private async compareMembers(run: RunContext, view: ViewWithTeam, now: number): Promise<void> {
    for (let after = ''; ;) {
      const userIds = await this.people.membersAfter(view.groupId, after, CHUNK);
      if (userIds.length === 0) break;
      await this.users.resolveInTurn(run, askedFor(userIds, view.change?.mark));
      const refused = isAskedFor(view) ? NONE : await this.people.refusedAmong(view.remote.id, userIds, now);
      const compared = userIds.filter((userId) => !refused.has(userId));
      await this.members.apply(run, view, compared, []);
      after = userIds.at(-1)!;
    }
  }

  /** Everybody known in the team. */
  private async compareTeam(run: RunContext, view: ViewWithTeam, now: number): Promise<void> {
    for (let after = ''; ;) {
      const remoteUserIds = isAskedFor(view)
        ? await this.people.remoteMembersAfter(view.remote.id, after, CHUNK)
        : await this.people.remoteMembersToCompare(view.remote.id, after, now, CHUNK);
      if (remoteUserIds.length === 0) break;
      await this.members.apply(run, view, [], remoteUserIds);
      after = remoteUserIds.at(-1)!;
    }
  }

  /** The IdP or an admin deleted the group, or an admin the integration. */
  private async letGo(run: RunContext, view: GroupView): Promise<void> {
    const remote = view.remote && (await this.beginLettingGo(run, view.groupId, view.remote.id));
    await this.assertNotTakenOver(run, remote);
    const action = planLettingGo(remote, letGoModeOf(run, view));
    switch (action.kind) {
      case 'resume-create': {
        const settled = await this.teams.settleCreation(run, { ...view, remote: remote! }, action.intent);
        if (settled) return this.letGo(run, settled);
        break;
      }
      case 'delete':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await orGone(run, remote!, () => this.deleteTeam(run, view as ViewWithTeam));
        break;
      case 'release':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await orGone(run, remote!, () => this.members.releaseAll(run, view as ViewWithTeam));
        break;
      default:
        break;
    }
    await this.leases.run(run.lease, async (tx) => {
      if (remote) await removeRemoteRows(tx, remote.id);
      await deleteInThousands((work) => work(tx), 'member_change', 'groupId = ?', [view.groupId]);
      await tx.query('DELETE FROM group_change WHERE groupId = ?', [view.groupId]);
      await dropItemsOf(tx, run.integration.id, view.groupId);
      await tx.query('DELETE FROM drift WHERE integrationId = ? AND groupId = ?', [
        run.integration.id,
        view.groupId,
      ]);
      await offerFreedNames(tx, run, remote?.remoteName ?? null);
      if (!remote?.remoteId) return;
      await this.audit.record(tx, run, [
        {
          action: lettingGo(action),
          target: { type: 'group', id: view.groupId },
          cause: view.change?.wholeCause,
          detail: { remoteId: remote.remoteId, name: remote.remoteName },
        },
      ]);
    });
  }

  /** @returns null when another group has taken the claim over: then there is nothing left to let go */
  private beginLettingGo(
    run: RunContext,
    groupId: string,
    remoteGroupId: string,
  ): Promise<RemoteGroup | null> {
    return this.leases.run(run.lease, async (tx) => {
      const remote = await tx.manager.findOneBy(RemoteGroup, { id: remoteGroupId, groupId });
      if (!remote) return null;
      const deletingSince = remote.deletingSince ?? Date.now();
      await tx.manager.update(RemoteGroup, { id: remote.id }, { deletingSince });
      return { ...remote, deletingSince };
    });
  }

  /** @throws GroupTakenOverError */
  private async assertNotTakenOver(run: RunContext, remote: RemoteGroup | null): Promise<void> {
    if (!remote || run.integration.deletingSince !== null) return;
    const isTakenOver = await this.leases.run(run.lease, async (tx) => {
      const successor = await successorOf(tx, run.provider, remote);
      // Whatever it waits for, this team is what it needs.
      if (successor !== null)
        await makeGroupsDue(tx, 'integrationId = ? AND groupId = ?', [run.integration.id, successor]);
      return successor !== null;
    });
    if (isTakenOver) throw new GroupTakenOverError();
  }

  /** @throws GroupHeldError; GroupBlockedError once an admin has rejected it */
  private async assertNotHeld(run: RunContext, view: GroupView & { remote: RemoteGroup }): Promise<void> {
    if (isMeant(run, view)) return;
    const team = { ...screenedTeam(run, view), displayName: view.remote.groupName };
    const waitsFor = await this.leases.run(run.lease, (tx) => this.screen.deletion(tx, team));
    if (waitsFor?.reason === REJECTED.reason) throw new GroupBlockedError(waitsFor.reason, waitsFor.message);
    if (waitsFor) throw new GroupHeldError();
  }

  /**
   * The claim is looked at again right before: another group may have taken the team over.
   *
   * @throws GroupTakenOverError, ProviderError
   */
  private async deleteTeam(run: RunContext, view: ViewWithTeam): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      const [row] = await tx.query<{ groupId: string }>('SELECT groupId FROM remote_group WHERE id = ?', [
        view.remote.id,
      ]);
      if (row?.groupId !== view.groupId) throw new GroupTakenOverError();
      await raiseWriteSeq(tx, view.remote.id);
    });
    await run.connection.deleteGroup(view.remote.remoteId, run.call);
  }

  /** Whatever changed since the marks were read has newer marks, and is not acknowledged with these. */
  private async acknowledge(run: RunContext, view: ViewWithTeam): Promise<void> {
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

  /** Keeps the group's changes to be done, says why they are not, and when they are tried next. */
  private async recordFailure(run: RunContext, view: GroupView, error: unknown): Promise<void> {
    const failure = failureOf(error);
    if (!failure) throw error;
    await this.leases.run(run.lease, async (tx) => {
      const remote = await tx.manager.findOneBy(RemoteGroup, {
        integrationId: run.integration.id,
        groupId: view.groupId,
      });
      if (!remote) return;
      // Deleted by hand, or out of the credential's sight: that is told by looking at all teams, and nothing is forgotten before.
      // Once for each group: one that stays out of sight must not have everything looked at again and again.
      if (failure.reason === GROUP_GONE && remote.reason !== GROUP_GONE) {
        await this.ledger.expediteReconciliation(tx, run.integration.id);
      }
      const now = Date.now();
      // Tried before its time, for a change: of what is refused the ladder of attempts begins anew.
      const isEarly = failure.state !== 'retrying' && Number(remote.notBefore ?? 0) > now;
      const attempts = isEarly ? 1 : remote.attempts + 1;
      const soonUntil =
        isOutage(error) && remote.createIntent !== null ? settledSoonUntil(remote.createIntent) : 0;
      run.creations.settledSoonUntil = Math.max(run.creations.settledSoonUntil, soonUntil);
      const nextAttemptAt = now + settleSoon(failure.delay(attempts), soonUntil, now);
      // Who leaves while the call of somebody else keeps failing does not wait for its next attempt.
      const holdsUpChanges =
        failure.state === 'retrying' && !(remote.remoteId !== null && isOfSomeCalls(error));
      await tx.manager.update(
        RemoteGroup,
        { id: remote.id },
        {
          state: failure.state,
          reason: failure.reason,
          message: failure.message,
          attempts,
          nextAttemptAt,
          notBefore: nextAttemptAt,
          blockedMark: holdsUpChanges ? null : (view.change?.mark ?? NO_CHANGE),
        },
      );
    });
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Whether an IdP or an admin wants the whole group compared, rather than the engine because of one person in it. */
export function isAskedFor({ change }: Pick<GroupView, 'change'>): boolean {
  return Boolean(change?.wholeCause);
}

/** No change has this mark: whichever comes next is looked at. */
const NO_CHANGE = '';

/** Others of the group may work: it speaks neither of the account nor of the team. */
function isOfSomeCalls(error: unknown): boolean {
  return isPassing(error) && !isOfOneUnseenTeam(error);
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
  const passing = error.isTransient || error.accountWide || error.reason === GROUP_GONE;
  return {
    reason: error.reason,
    message: error.explanation,
    state: passing ? 'retrying' : 'blocked',
    delay: (attempts) =>
      passing
        ? passingFailureDelay(attempts, error.retryAfterMs, Math.random())
        : (error.retryAfterMs ?? refusalDelay(attempts)),
  };
}

/**
 * For the last thing that is done to a team: where it is missing, that is done too. Unless the team may only be out of sight;
 * but an integration that goes does not stay for that.
 */
async function orGone(run: RunContext, remote: RemoteGroup, letGo: () => Promise<void>): Promise<void> {
  try {
    await letGo();
  } catch (error) {
    const isMissing = error instanceof ProviderError && error.reason === GROUP_GONE;
    if (isMissing && mayBeDeletedByUs(remote)) return;
    const cause = unlessNotVisibleYet(remote, error);
    const isGone = isMissing && cause === error;
    if (!isGone || run.integration.deletingSince === null) throw cause;
  }
}

/** What an admin decided for this very group, else for the integration that goes, else what its policy says. */
export function letGoModeOf(
  { integration }: Pick<RunContext, 'integration'>,
  { change }: GroupView,
): 'delete' | 'release' | 'leave' {
  return change?.letGo ?? integration.deletingTeams ?? integration.policies.onGroupDelete;
}

/** What an admin deletes by name is meant; what the IdP deletes is counted. */
export function isMeant({ integration }: Pick<RunContext, 'integration'>, { change }: GroupView): boolean {
  return Boolean(change?.letGo) || integration.deletingSince !== null;
}

/** Nobody leaves a team that is only forgotten. */
function lettingGo({ kind }: LetGoAction): string {
  if (kind === 'delete') return 'team.deleted';
  return kind === 'release' ? 'team.released' : 'team.left';
}

async function removeRemoteRows(tx: Transaction, remoteGroupId: string): Promise<void> {
  for (const table of ['remote_member', 'parked_member', 'unclear_write']) {
    await deleteInThousands((work) => work(tx), table, 'remoteGroupId = ?', [remoteGroupId]);
  }
  await tx.query('DELETE FROM remote_group WHERE id = ?', [remoteGroupId]);
}

/** The earliest item of each kind, by index. */
async function openItems(tx: Transaction, view: ViewWithTeam) {
  // Not as it was before: meanwhile another group may have given the name up, which is tried again now.
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
