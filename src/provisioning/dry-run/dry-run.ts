import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Slice } from '../../event-loop/slice';
import { Connections } from '../../integrations/connections/connections.service';
import type { Integration } from '../../integrations/integration.entity';
import { type LoadedGroup, GroupLoader, namesWithoutRemoteGroup } from '../apply/loaded-group';
import { People } from '../apply/people';
import { UserResolution } from '../apply/user-resolution';
import type { IntegrationProvider } from '../../integrations/provider/integration-provider';
import type { Obstacle } from '../plan/new-group';
import { planRename } from '../plan/rename-plan';
import { GroupsToPlan } from './groups-to-plan';
import { MemberDryRun, type MemberOutcomes } from './member-dry-run';
import { SupposedRemovals } from './supposed-removals';
import { TargetLookUps } from './target-look-ups';
import { type PlanAction, GroupDryRun, type GroupOutcome } from './group-dry-run';

/** The maximum length of each list; the counts are complete. */
const LISTED_PER_GROUP = 1_000;

/** A page ends after this many entries in all lists: its answer is built in one step. */
const LISTED_IN_ALL = 5_000;
/** The time that the slices of a page may keep the event loop busy in total. */
const PLANNED_FOR_MS = 10_000;

export interface GroupPreview {
  groupId: string;
  displayName: string;
  action: PlanAction;
  reason: string | null;
  message: string | null;
  remote: { id: string; name: string } | null;
  counts: { add: number; remove: number; unresolved: number; held: number };
  addMembers: { userId: string; userName: string; email: string | null; remoteUserId: string }[];
  removeMembers: { userId: string | null; userName: string | null; remoteUserId: string }[];
  unresolved: { userId: string; userName: string; email: string | null; reason: string; message: string }[];
  held: WithheldItem[];
}

/** A removal or deletion that the IdP wants and that would not be done: too many at once, or rejected. */
export interface WithheldItem {
  kind: 'removal' | 'deletion';
  userId: string | null;
  userName: string | null;
  remoteUserId: string | null;
  reason: string;
  message: string;
}

export interface DryRunResult {
  groups: GroupPreview[];
  /** The calls that a run would need for it. */
  calls: number;
  /** Why the target could not be read, or why the engine does not write to it. */
  problem: Obstacle | null;
}

/**
 * Plans what a run on an integration would do, with the code of the run, and without any write to the database or
 * the target. It ignores the mode: admins look at the plan before they enable the integration.
 */
@Injectable()
export class DryRun {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly connections: Connections,
    private readonly views: GroupLoader,
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly teams: GroupDryRun,
    private readonly groups: GroupsToPlan,
  ) {}

  /** Groups that may need work, with deleted ones, in the order of their ids. */
  candidates(integration: Integration, after: string, limit: number): Promise<{ id: string }[]> {
    return this.groups.after(integration, after, limit);
  }

  /**
   * Plans the groups in their order, until the answer is large enough or has taken long enough. The next page has
   * the rest.
   *
   * @param groupIds at least one of them is planned
   */
  async plan(integration: Integration, groupIds: readonly string[]): Promise<DryRunResult> {
    const slice = new Slice();
    const open = this.connections.open(integration);
    const { provider } = open;
    const lookUps = new TargetLookUps(integration, open, this.users);
    const views: LoadedGroup[] = [];
    for (const groupId of groupIds) {
      const read = await this.views.read(integration.id, groupId, provider);
      // An integration that is being deleted treats every group as deleted.
      const view = integration.deletingSince === null ? read : { ...read, group: null };
      views.push(await this.teams.afterTakeOver(integration.id, provider, view));
      if (slice.isOver) await slice.next();
    }
    const found = await lookUps.findGroups(namesWithoutRemoteGroup(views));
    const removals = new SupposedRemovals(this.reader, slice, integration.id, integration.policies.guard);
    const session = { integration, provider, lookUps, found, removals, now: Date.now() };
    const teams: GroupOutcome[] = [];
    for (const view of views) {
      teams.push(await this.teams.plan(session, view));
      if (slice.isOver) await slice.next();
    }
    await lookUps.resolve(await this.people.usersNeededBy(teams.map(({ view }) => view)));
    const groups: GroupPreview[] = [];
    let calls = 0;
    let listed = 0;
    for (const team of teams) {
      if (groups.length > 0 && (listed >= LISTED_IN_ALL || slice.busyMs >= PLANNED_FOR_MS)) break;
      const limits = {
        integrationId: integration.id,
        membersPerGroup: provider.limits.membersPerGroup,
        unmanagedMembers: integration.policies.unmanagedMembers,
      };
      const members = await new MemberDryRun(
        this.reader,
        slice,
        this.people,
        lookUps,
        removals,
        limits,
        team,
      ).plan();
      calls += team.calls + members.add.length + members.remove.length;
      const planned = await this.present(integration.id, team, members);
      groups.push(planned);
      listed += listedIn(planned);
      if (slice.isOver) await slice.next();
    }
    calls += swapsAmong(teams.slice(0, groups.length), provider) + lookUps.calls;
    return { groups, calls, problem: lookUps.problem ?? suspensionOf(integration) };
  }

  private async present(
    integrationId: string,
    team: GroupOutcome,
    { add, remove, held, unresolved }: MemberOutcomes,
  ): Promise<GroupPreview> {
    const { view, obstacle } = team;
    const adds = add.slice(0, LISTED_PER_GROUP);
    const removals = remove.slice(0, LISTED_PER_GROUP);
    const waiting = [...unresolved].slice(0, LISTED_PER_GROUP);
    const withheld = [...held].slice(0, LISTED_PER_GROUP);
    const ids = [...adds.map(({ userId }) => userId), ...waiting.map(([userId]) => userId)];
    const users = await this.people.named(ids);
    const linked = await this.people.linkedTo(integrationId, [...removals, ...withheld.map(([id]) => id)]);
    const leaving = (remoteUserId: string) => ({
      userId: linked.get(remoteUserId)?.userId ?? null,
      userName: linked.get(remoteUserId)?.userName ?? null,
      remoteUserId,
    });
    const changesMembers = add.length + remove.length > 0;
    return {
      groupId: view.groupId,
      displayName: view.group?.displayName ?? view.remote?.groupName ?? '',
      action: team.action === 'none' && changesMembers ? 'update' : team.action,
      reason: obstacle?.reason ?? null,
      message: obstacle?.message ?? null,
      remote: team.remote && { id: team.remote.id, name: team.remote.name },
      counts: {
        add: add.length,
        remove: remove.length,
        unresolved: unresolved.size,
        held: held.size + (team.held ? 1 : 0),
      },
      addMembers: adds.map(({ userId, remoteUserId }) => ({
        userId,
        ...(users.get(userId) ?? UNKNOWN_USER),
        remoteUserId,
      })),
      removeMembers: removals.map(leaving),
      unresolved: waiting.map(([userId, problem]) => ({
        userId,
        ...(users.get(userId) ?? UNKNOWN_USER),
        ...problem,
      })),
      held: [
        ...(team.held ? [{ kind: 'deletion' as const, ...NO_COUNTS, ...team.held }] : []),
        ...withheld.map(([remoteUserId, why]) => ({
          kind: 'removal' as const,
          ...leaving(remoteUserId),
          ...why,
        })),
      ],
    };
  }
}

function listedIn({ addMembers, removeMembers, unresolved, held }: GroupPreview): number {
  return addMembers.length + removeMembers.length + unresolved.length + held.length;
}

/** Whether a plan says anything about the group. */
export function saysAnything({ action, reason, counts }: GroupPreview): boolean {
  return action !== 'none' || reason !== null || counts.unresolved + counts.held > 0;
}

/** The sweeper may delete a user at the same time. */
const UNKNOWN_USER = { userName: '', email: null };
const NO_COUNTS = { userId: null, userName: null, remoteUserId: null };

/** Each cycle of names needs one more call: its first remote group gets a temporary name. */
function swapsAmong(
  teams: readonly GroupOutcome[],
  provider: Pick<IntegrationProvider, 'groupNameKey'>,
): number {
  const pending = teams.flatMap(({ view: { groupId, group, remote }, action }) =>
    group && action === 'update' && remote?.remoteNameKey
      ? [
          {
            id: groupId,
            heldKey: remote.remoteNameKey,
            wantedKey: provider.groupNameKey(group.displayName),
            // After an earlier refusal the next attempt is about to happen.
            stuck: false,
          },
        ]
      : [],
  );
  return pending.filter(({ id }) => planRename(id, pending) === 'through-temporary-name').length;
}

function suspensionOf({ suspensionReason, suspensionMessage }: Integration): Obstacle | null {
  return suspensionReason === null ? null : { reason: suspensionReason, message: suspensionMessage ?? '' };
}
