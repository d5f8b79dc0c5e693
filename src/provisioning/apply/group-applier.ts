import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../database/transaction-runner';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import { planTeam } from '../plan/group-plan';
import { Leases } from '../schedule/lease';
import { type OpenItem, deriveGroupState } from '../state/group-state';
import { RemoteGroup } from '../state/remote-group.entity';
import { HELD_MESSAGE, HELD_REASON, RemovalScreen } from '../guard/removal-screen';
import { GroupBlockedError, GroupHeldError } from './group-blocked';
import type { GroupView } from './group-view';
import { Members, screenedTeam } from './members';
import { People } from './people';
import { ProvisioningAudit } from './provisioning-audit';
import type { RunContext } from './run-context';
import { Teams, type ViewWithTeam, raiseWriteSeq } from './teams';
import { UserResolution } from './user-resolution';

const CHUNK = 500;

/**
 * Brings one group's team to where the IdP wants it. Safe to cut off at any point and to run again: what is intended is
 * committed before it is sent, and a change is acknowledged only when everything of it is applied, or parked in a row
 * of its own with its reason and next attempt.
 */
@Injectable()
export class GroupApplier {
  constructor(
    private readonly teams: Teams,
    private readonly members: Members,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
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
      if (!view.group) {
        await this.letGo(run, view);
        return;
      }
      const now = Date.now();
      const withTeam = await this.teams.ensure(run, { ...view, group: view.group }, found);
      current = withTeam;
      const named = await this.teams.ensureName(run, withTeam, now);
      await this.applyMembers(run, named, now);
      await this.acknowledge(run, named);
    } catch (error) {
      if (error instanceof ProviderError && error.reason === GROUP_GONE && current.remote?.remoteId) {
        await this.teams.forget(run, current as ViewWithTeam);
      }
      await this.recordFailure(run, current, error);
    }
  }

  private async applyMembers(run: RunContext, view: ViewWithTeam, now: number): Promise<void> {
    if (view.change?.whole) await this.compareWhole(run, view);
    for (;;) {
      const pairs = await this.people.changedPairs(view.groupId, CHUNK);
      if (pairs.length === 0) break;
      const userIds = pairs.map(({ userId }) => userId);
      // Nearly always done for the whole batch; but these may have come since.
      await this.users.resolve(run, userIds);
      await this.members.apply(run, view, userIds, [], pairs);
    }
    for (let turn = 0; turn < MAX_RETRY_CHUNKS; turn++) {
      const userIds = await this.people.parkedDue(view.remote.id, now, CHUNK);
      const remoteUserIds = await this.people.callsDue(view.remote.id, now, CHUNK);
      if (userIds.length + remoteUserIds.length === 0) break;
      await this.members.apply(run, view, userIds, remoteUserIds);
    }
  }

  /** Everybody in the group first, then everybody known in the team: nobody leaves before those who come. */
  private async compareWhole(run: RunContext, view: ViewWithTeam): Promise<void> {
    for (let after = ''; ;) {
      const userIds = await this.people.membersAfter(view.groupId, after, CHUNK);
      if (userIds.length === 0) break;
      await this.users.resolve(run, userIds);
      await this.members.apply(run, view, userIds, []);
      after = userIds.at(-1)!;
    }
    for (let after = ''; ;) {
      const remoteUserIds = await this.people.remoteMembersAfter(view.remote.id, after, CHUNK);
      if (remoteUserIds.length === 0) break;
      await this.members.apply(run, view, [], remoteUserIds);
      after = remoteUserIds.at(-1)!;
    }
  }

  /** The IdP or an admin deleted the group, or an admin the integration. */
  private async letGo(run: RunContext, view: GroupView): Promise<void> {
    const remote = view.remote && (await this.beginLettingGo(run, view.groupId, view.remote.id));
    const action = planTeam(null, remote, letGoModeOf(run, view));
    switch (action.kind) {
      case 'resume-create': {
        const settled = await this.teams.settleCreation(run, { ...view, remote: remote! }, action.intent);
        if (settled) return this.letGo(run, settled);
        break;
      }
      case 'delete':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await this.deleteTeam(run, view as ViewWithTeam);
        break;
      case 'release':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await this.members.releaseAll(run, view as ViewWithTeam);
        break;
      default:
        break;
    }
    await this.leases.run(run.lease, async (tx) => {
      if (remote) await removeRemoteRows(tx, remote.id);
      await tx.query('DELETE FROM member_change WHERE groupId = ?', [view.groupId]);
      await tx.query('DELETE FROM group_change WHERE groupId = ?', [view.groupId]);
      await tx.query('DELETE FROM held_item WHERE groupId = ?', [view.groupId]);
      if (!remote?.remoteId) return;
      await this.audit.record(tx, run, [
        {
          action: action.kind === 'delete' ? 'team.deleted' : 'team.released',
          target: { type: 'group', id: view.groupId },
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

  /**
   * What an admin deletes by name is meant; what the IdP deletes is counted.
   *
   * @throws GroupHeldError
   */
  private async assertNotHeld(run: RunContext, view: GroupView & { remote: RemoteGroup }): Promise<void> {
    if (view.change?.letGo || run.integration.deletingSince !== null) return;
    const team = { ...screenedTeam(run, view), displayName: view.remote.groupName };
    const goesOn = await this.leases.run(run.lease, (tx) => this.screen.deletion(tx, team));
    if (!goesOn) throw new GroupHeldError();
  }

  /** The claim is looked at again right before: another group may have taken the team over. */
  private async deleteTeam(run: RunContext, view: ViewWithTeam): Promise<void> {
    const stillOurs = await this.leases.run(run.lease, async (tx) => {
      const [row] = await tx.query<{ groupId: string }>('SELECT groupId FROM remote_group WHERE id = ?', [
        view.remote.id,
      ]);
      if (row?.groupId !== view.groupId) return false;
      await raiseWriteSeq(tx, view.remote.id);
      return true;
    });
    if (stillOurs) await run.connection.deleteGroup(view.remote.remoteId, run.call);
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
      const attempts = remote.attempts + 1;
      const nextAttemptAt = Date.now() + failure.delay(attempts);
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
          blockedMark: failure.state === 'retrying' ? null : (view.change?.mark ?? null),
        },
      );
    });
    if (error instanceof ProviderError && (error.accountWide || error.isTransient)) throw error;
  }
}

/** Chunks of people whose time has come that one look at a group goes through; more of them wait for the next. */
const MAX_RETRY_CHUNKS = 20;

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
    return { reason: HELD_REASON, message: HELD_MESSAGE, state: 'held', delay: () => refusalDelay(2) };
  }
  if (!(error instanceof ProviderError)) return null;
  const passing = error.isTransient || error.accountWide || error.reason === GROUP_GONE;
  return {
    reason: error.reason,
    message: error.explanation,
    state: passing ? 'retrying' : 'blocked',
    delay: (attempts) =>
      passing ? passingFailureDelay(attempts, error.retryAfterMs, Math.random()) : refusalDelay(attempts),
  };
}

/** What an admin decided for this very group, else for the integration that goes, else what its policy says. */
export function letGoModeOf(
  { integration }: Pick<RunContext, 'integration'>,
  { change }: GroupView,
): 'delete' | 'release' | 'leave' {
  return change?.letGo ?? integration.deletingTeams ?? integration.policies.onGroupDelete;
}

async function removeRemoteRows(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [remoteGroupId]);
  await tx.query('DELETE FROM parked_member WHERE remoteGroupId = ?', [remoteGroupId]);
  await tx.query('DELETE FROM remote_group WHERE id = ?', [remoteGroupId]);
}

/** The earliest item of each kind, by index: it costs the same in a group of fifty thousand. */
async function openItems(tx: Transaction, view: ViewWithTeam) {
  const first = async (table: string, kind: string): Promise<OpenItem | null> => {
    const [row] = await tx.query<OpenItem>(
      `SELECT reason, message, nextAttemptAt FROM ${table}
       WHERE remoteGroupId = ? AND kind = ? ORDER BY nextAttemptAt LIMIT 1`,
      [view.remote.id, kind],
    );
    return row ? { ...row, nextAttemptAt: Number(row.nextAttemptAt) } : null;
  };
  const { nameReason, nameMessage, nameNextAttemptAt } = view.remote;
  const held = await tx.query("SELECT 1 FROM held_item WHERE groupId = ? AND state = 'held' LIMIT 1", [
    view.groupId,
  ]);
  return {
    held: held.length > 0 ? { reason: HELD_REASON, message: HELD_MESSAGE } : null,
    passing: earlier(await first('parked_member', 'passing'), await first('remote_member', 'passing')),
    waiting: earlier(await first('parked_member', 'waiting'), await first('remote_member', 'waiting')),
    name:
      nameReason !== null && nameNextAttemptAt !== null
        ? { reason: nameReason, message: nameMessage ?? '', nextAttemptAt: nameNextAttemptAt }
        : null,
  };
}

function earlier(a: OpenItem | null, b: OpenItem | null): OpenItem | null {
  if (!a || !b) return a ?? b;
  return a.nextAttemptAt <= b.nextAttemptAt ? a : b;
}
