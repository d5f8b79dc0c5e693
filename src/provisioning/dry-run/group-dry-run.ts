import { Injectable } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import type { DataSource, Repository } from 'typeorm';
import type { Integration } from '../../integrations/integration.entity';
import type {
  IntegrationProvider,
  ProviderGroup as FoundTeam,
} from '../../integrations/provider/integration-provider';
import { isOrderedByAdmin, releaseModeOf } from '../apply/group-deletion';
import { TAKEN_OVER, TAKEN_OVER_MESSAGE } from '../apply/group-blocked';
import { type LoadedGroup, nameWithoutRemoteGroup } from '../apply/loaded-group';
import { claimOn, isBeingCreated, successorOf, tombstoneNamed } from '../apply/known-target';
import { NOT_LOOKED_UP } from '../apply/people';
import { NO_PROBLEM, comparedWhole } from '../apply/remote-groups';
import { isPostponed, planRelease, planGroup } from '../plan/group-plan';
import type { KnownMember } from '../plan/member-plan';
import { planName } from '../plan/name-plan';
import {
  CREATION_UNCONFIRMED,
  NAME_NOT_FREE_YET,
  NAME_TOO_LONG,
  type Obstacle,
  TEAM_CLAIMED,
  TEAM_EXISTS,
  isIntended,
  planNewGroup,
  unconfirmedMessage,
} from '../plan/new-group';
import { RemoteGroup } from '../state/remote-group.entity';
import type { SupposedRemovals } from './supposed-removals';
import type { LookedUp, TargetLookUps } from './target-look-ups';

export const PLAN_ACTIONS = ['create', 'adopt', 'update', 'delete', 'release', 'none'] as const;
export type PlanAction = (typeof PLAN_ACTIONS)[number];

/** The planned outcome for one remote group. */
export interface GroupOutcome {
  /** The group for the plan of its members. */
  view: LoadedGroup;
  action: PlanAction;
  obstacle: Obstacle | null;
  remote: { id: string; name: string } | null;
  /**
   * `look-up`: there is no usable remote group, so no member is added, but the plan shows users without a match.
   * `leavers`: the remote group cannot be released yet, so only leavers are removed.
   */
  members: 'plan' | 'look-up' | 'release' | 'leavers' | 'none';
  /** The members of a remote group to adopt. */
  present: ReadonlyMap<string, KnownMember>;
  /** Calls for the remote group itself. */
  calls: number;
  /** Why the remote group would not be released yet. */
  held?: Obstacle;
}

interface DryRunSession {
  integration: Integration;
  provider: IntegrationProvider;
  lookUps: TargetLookUps;
  found: LookedUp<ReadonlyMap<string, FoundTeam>>;
  removals: SupposedRemovals;
  now: number;
}

const NO_REMOTE_MEMBERS: ReadonlyMap<string, KnownMember> = new Map();

/** Plans what a run would do with the remote group of a group. */
@Injectable()
export class GroupDryRun {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    @InjectRepository(RemoteGroup) private readonly remoteGroups: Repository<RemoteGroup>,
  ) {}

  /** The view after the group has taken over the remote group of a deleted group with the same name. */
  async afterTakeOver(integrationId: string, provider: IntegrationProvider, view: LoadedGroup) {
    if (!view.group || nameWithoutRemoteGroup(view) === null) return view;
    const key = provider.groupNameKey(view.group.displayName);
    const id = await tombstoneNamed(this.reader, integrationId, key, view.groupId);
    const remote = id === null ? null : await this.remoteGroups.findOneBy({ id });
    return remote ? { ...comparedWhole(view), remote: { ...remote, ...NO_PROBLEM } } : view;
  }

  plan(session: DryRunSession, view: LoadedGroup): Promise<GroupOutcome> {
    return view.group
      ? this.planLive(session, { ...view, group: view.group })
      : this.planRelease(session, view);
  }

  private async planLive(
    session: DryRunSession,
    view: LoadedGroup & { group: { displayName: string } },
  ): Promise<GroupOutcome> {
    const { lookUps, found } = session;
    const action = planGroup(view.group, view.remote);
    switch (action.kind) {
      case 'resume-create':
        return this.planNew(
          session,
          view,
          action.intent.name,
          await lookUps.findGroups([action.intent.name]),
        );
      case 'find-or-create':
        return this.planNew(session, view, action.name, found);
      default:
        return planNamed(session, view, view.remote!);
    }
  }

  private async planNew(
    session: DryRunSession,
    view: LoadedGroup & { group: { displayName: string } },
    name: string,
    found: LookedUp<ReadonlyMap<string, FoundTeam>>,
  ): Promise<GroupOutcome> {
    const { integration, provider, lookUps } = session;
    if (found.kind === 'unknown') {
      const message = `Scimify could not look up whether a team with this name exists. ${found.why.message}`;
      return blocked(view, { reason: NOT_LOOKED_UP, message });
    }
    const key = provider.groupNameKey(name);
    const existing = found.value.get(key);
    const remoteGroupId = view.remote?.id ?? '';
    const plan = planNewGroup({
      name,
      groupName: view.group.displayName,
      existing,
      intent: view.remote?.createIntent ?? null,
      claim: existing && (await claimOn(this.reader, lookUps.accountIdentity, existing.id, remoteGroupId)),
      mayBelongToAnotherGroup: await isBeingCreated(this.reader, integration.id, key, remoteGroupId),
      integrationId: integration.id,
      existingTeams: integration.policies.existingTeams,
      now: session.now,
      provider,
    });
    const outcome = { view, obstacle: recordedFailure(view, session.now), members: 'plan' as const };
    switch (plan.kind) {
      case 'create':
        return { ...outcome, action: 'create', remote: null, present: NO_REMOTE_MEMBERS, calls: 1 };
      case 'recognise':
        return { ...outcome, action: 'create', remote: plan.team, present: NO_REMOTE_MEMBERS, calls: 0 };
      case 'give-up': {
        const { displayName } = view.group;
        const withoutIntent = { ...view, remote: { ...view.remote!, createIntent: null } };
        return this.planNew(session, withoutIntent, displayName, await lookUps.findGroups([displayName]));
      }
      case 'wait':
        return blocked(view, { reason: CREATION_UNCONFIRMED, message: unconfirmedMessage(name) });
      case 'wait-for-name':
      case 'blocked':
        return blocked(view, plan.obstacle);
      case 'adopt':
        return planAdopted(session, view, plan.team);
    }
  }

  /** The IdP deleted the group. */
  private async planRelease(session: DryRunSession, view: LoadedGroup): Promise<GroupOutcome> {
    const { integration, provider, lookUps, removals, now } = session;
    const { remote } = view;
    const action = planRelease(remote, releaseModeOf(session, view));
    const successor =
      remote && integration.deletingSince === null ? await successorOf(this.reader, provider, remote) : null;
    if (remote && successor !== null) {
      return {
        ...blocked(view, {
          reason: TAKEN_OVER,
          message: TAKEN_OVER_MESSAGE,
        }),
        remote: remoteGroupOf(remote),
        members: 'none',
      };
    }
    if (action.kind === 'resume-create') {
      const found = await lookUps.findGroups([action.intent.name]);
      if (found.kind === 'unknown') return { ...blocked(view, found.why), members: 'none' };
      const team = found.value.get(provider.groupNameKey(action.intent.name));
      const ours = team && isIntended(team, action.intent) ? team : null;
      const settled = ours
        ? { ...remote!, remoteId: ours.id, remoteName: ours.name, ownership: 'created' as const }
        : { ...remote!, createIntent: null };
      return this.planRelease(session, { ...view, remote: settled });
    }
    const outcome = {
      view,
      obstacle: recordedFailure(view, now),
      remote: remote && remoteGroupOf(remote),
      present: NO_REMOTE_MEMBERS,
    };
    if (action.kind !== 'delete' && action.kind !== 'release') {
      const left = {
        reason: 'team_left',
        message: 'The group was deleted. Scimify leaves its team unchanged.',
      };
      const obstacle = remote?.remoteId ? left : null;
      return { ...outcome, obstacle, action: 'none', members: 'none', calls: 0 };
    }
    const held =
      remote === null || isOrderedByAdmin(session, view)
        ? null
        : await removals.deletionWaiting(
            { groupId: view.groupId, remoteGroupId: remote.id },
            remote.letThroughAt !== null,
          );
    if (held) return { ...outcome, obstacle: held, held, action: action.kind, members: 'leavers', calls: 0 };
    if (action.kind === 'release') return { ...outcome, action: 'release', members: 'release', calls: 0 };
    return { ...outcome, action: 'delete', members: outcome.obstacle ? 'leavers' : 'none', calls: 1 };
  }
}

async function planAdopted(
  { lookUps, now, provider }: DryRunSession,
  view: LoadedGroup & { group: { displayName: string } },
  team: FoundTeam,
): Promise<GroupOutcome> {
  const members = await lookUps.listMembers(team.id);
  if (members.kind === 'unknown') return { ...blocked(view, members.why), remote: team };
  const present = members.value.map(
    ({ remoteUserId }) => [remoteUserId, { state: 'present', managed: false, preexisting: true }] as const,
  );
  const adopted = {
    view: comparedWhole(view),
    obstacle: recordedFailure(view, now),
    members: 'plan' as const,
    action: 'adopt' as const,
    remote: team,
    present: new Map<string, KnownMember>(present),
  };
  const name = planName({
    name: view.group.displayName,
    team: { remoteName: team.name, nameReason: null, nameMessage: null, nameNextAttemptAt: null },
    changed: true,
    now,
    provider,
  });
  return name.kind === 'blocked'
    ? { ...adopted, obstacle: name.obstacle, calls: 0 }
    : { ...adopted, calls: name.kind === 'rename' ? 1 : 0 };
}

function planNamed(session: DryRunSession, view: LoadedGroup, remote: RemoteGroup): GroupOutcome {
  const plan = planName({
    name: view.group!.displayName,
    team: remote,
    changed: view.change !== null,
    now: session.now,
    provider: session.provider,
  });
  const named = { view, remote: remoteGroupOf(remote), members: 'plan' as const, present: NO_REMOTE_MEMBERS };
  switch (plan.kind) {
    case 'rename':
      return { ...named, action: 'update', obstacle: recordedFailure(view, session.now), calls: 1 };
    case 'keep':
      return { ...named, action: 'none', obstacle: recordedFailure(view, session.now), calls: 0 };
    default:
      return { ...named, action: 'none', obstacle: plan.obstacle, calls: 0 };
  }
}

function blocked(view: LoadedGroup, obstacle: Obstacle): GroupOutcome {
  return {
    view,
    action: 'none',
    obstacle,
    remote: null,
    members: 'look-up',
    present: NO_REMOTE_MEMBERS,
    calls: 0,
  };
}

/** Reasons that the plan itself checks again, so that a recorded one does not count. */
const FOUND_BY_PLANNING = new Set([TEAM_EXISTS, TEAM_CLAIMED, NAME_TOO_LONG, NAME_NOT_FREE_YET]);

/** Why the last attempt at the whole group failed, until the next attempt is due. */
function recordedFailure({ group, remote, change }: LoadedGroup, now: number): Obstacle | null {
  if (!remote || remote.reason === null || remote.notBefore === null || remote.notBefore <= now) return null;
  const mayBeOutdated = group !== null || !isPostponed(remote, now);
  const outdated =
    mayBeOutdated && remote.blockedMark !== null && change !== null && remote.blockedMark !== change.mark;
  if (outdated || FOUND_BY_PLANNING.has(remote.reason)) return null;
  return { reason: remote.reason, message: remote.message ?? '' };
}

function remoteGroupOf(remote: RemoteGroup): GroupOutcome['remote'] {
  return remote.remoteId === null ? null : { id: remote.remoteId, name: remote.remoteName ?? '' };
}
