import type { IntegrationProvider, ProviderGroup } from '../../integrations/provider/integration-provider';
import type { CreateIntent } from '../state/remote-group.entity';
import { mayBeShownYet } from './just-created';

/** Why nothing can be done until people change something. */
export interface Obstacle {
  /** Stable code in snake_case. */
  reason: string;
  /** What is wrong and what to do, for an admin. */
  message: string;
}

/** Another group's claim on a team. */
export interface GroupClaim {
  /** What the group is called by now, or was called when it was deleted. */
  groupName: string;
  integrationId: string;
  /** The IdP deleted the group. */
  deleted: boolean;
  /** The target refuses the team the name that its group has by now. */
  stuck: boolean;
}

export interface NewGroupInput {
  /** That was looked up: the group's, or the one of an earlier creation. */
  name: string;
  /** What the group is called by now. */
  groupName: string;
  /** What the target has under that name. */
  existing: ProviderGroup | undefined;
  /** An earlier creation that was not confirmed. */
  intent: CreateIntent | null;
  claim: GroupClaim | undefined;
  /** Whether another group of the integration may have created it, and has no answer yet. */
  mayBelongToAnotherGroup: boolean;
  integrationId: string;
  existingTeams: 'adopt' | 'fail';
  now: number;
  provider: NamingRules;
}

export type NewGroupPlan =
  | { kind: 'create'; name: string }
  /** Our own creation, which had no answer. */
  | { kind: 'recognise'; team: ProviderGroup }
  | { kind: 'adopt'; team: ProviderGroup }
  /** The creation that had no answer did not happen, or its team is another group's by now: begin with today's name. */
  | { kind: 'give-up' }
  /** It has to turn out first whose creation the team is. */
  | { kind: 'wait' }
  /** Another group of ours is about to give the name up. */
  | { kind: 'wait-for-name'; obstacle: Obstacle }
  | { kind: 'blocked'; obstacle: Obstacle };

type NamingRules = Pick<IntegrationProvider, 'limits' | 'description' | 'groupNameKey'>;

/**
 * How a group without a team comes to one, once its name was looked up. Pure.
 *
 * | team of that name               | claimed by another group | existingTeams | then                               |
 * | ------------------------------- | ------------------------ | ------------- | ---------------------------------- |
 * | none                            | -                        | any           | create; blocked by a name too long |
 * | there                           | yes, and it stays        | any           | blocked                            |
 * | there                           | yes, to be given up      | any           | wait for the name                  |
 * | there, as we meant to create it | no                       | any           | recognise                          |
 * | there                           | perhaps: no answer yet   | any           | wait                               |
 * | there                           | no                       | adopt         | adopt                              |
 * | there                           | no                       | fail          | blocked                            |
 *
 * A name that is the group's no more is looked up for the sake of an earlier creation only: its team is recognised, or
 * created for as long as it may be there unseen, and in place of everything else the creation is given up.
 *
 * A name is given up by a claim of this integration whose group is deleted, or has another name by now that the target
 * does not refuse.
 */
export function planNewGroup(input: NewGroupInput): NewGroupPlan {
  const { name, existing, intent, claim } = input;
  if (!existing) {
    const isOutdated = intent !== null && name !== input.groupName;
    if (isOutdated && !mayBeShownYet(intent, input.now)) return { kind: 'give-up' };
    const obstacle = nameObstacle(name, input.provider);
    return obstacle ? { kind: 'blocked', obstacle } : { kind: 'create', name };
  }
  if (!claim && intent && isIntended(existing, intent)) return { kind: 'recognise', team: existing };
  if (name !== input.groupName) return { kind: 'give-up' };
  if (claim && isGivenUp(claim, input))
    return { kind: 'wait-for-name', obstacle: notFreeYetObstacle(name, claim) };
  if (claim) return { kind: 'blocked', obstacle: claimObstacle(existing.name, claim, input.integrationId) };
  if (input.mayBelongToAnotherGroup) return { kind: 'wait' };
  if (input.existingTeams === 'adopt') return { kind: 'adopt', team: existing };
  return {
    kind: 'blocked',
    obstacle: {
      reason: TEAM_EXISTS,
      message: `A team named "${existing.name}" exists already and this integration does not adopt teams. Rename one of them, or let the integration adopt existing teams.`,
    },
  };
}

/** A team of that very name and description, under the recorded intent, is ours; any other was there already. */
export function isIntended(team: ProviderGroup, intent: CreateIntent): boolean {
  return team.description === intent.description;
}

export function unconfirmedMessage(name: string): string {
  return `Whether the team "${name}" was created is not known yet.`;
}

function isGivenUp({ groupName, integrationId, deleted, stuck }: GroupClaim, input: NewGroupInput): boolean {
  if (integrationId !== input.integrationId) return false;
  const { provider, name } = input;
  return deleted || (!stuck && provider.groupNameKey(groupName) !== provider.groupNameKey(name));
}

export const TEAM_CLAIMED = 'team_claimed';
export const TEAM_EXISTS = 'team_exists';
export const NAME_TOO_LONG = 'name_too_long';

/** Why the name has to be waited for, which another group of the integration has for a little while yet. */
export const NAME_NOT_FREE_YET = 'name_not_free_yet';

export function notFreeYetObstacle(
  name: string,
  { groupName, deleted }: Pick<GroupClaim, 'groupName' | 'deleted'>,
): Obstacle {
  const freed = deleted
    ? `the deleted group "${groupName}" is let go. It is tried again then; what keeps that team is said of that group.`
    : `the group "${groupName}" has the name of its group. Nothing needs to be done: it is tried again by itself.`;
  return {
    reason: NAME_NOT_FREE_YET,
    message: `The name "${name}" is free as soon as the team of ${freed}`,
  };
}

export function claimObstacle(
  teamName: string,
  claim: Pick<GroupClaim, 'groupName' | 'integrationId'>,
  integrationId: string,
): Obstacle {
  const holder =
    claim.integrationId === integrationId
      ? `the group "${claim.groupName}"`
      : 'a group of another integration';
  return {
    reason: TEAM_CLAIMED,
    message: `The team "${teamName}" belongs to ${holder}. Rename this group, or let the other one go first.`,
  };
}

/** Null for a name that the target takes as far as one can tell without asking. */
export function nameObstacle(
  name: string,
  { limits, description }: Pick<NamingRules, 'limits' | 'description'>,
): Obstacle | null {
  const length = [...name].length;
  if (length <= limits.groupNameLength) return null;
  return {
    reason: NAME_TOO_LONG,
    message: `The name has ${length} characters and ${description.displayName} takes ${limits.groupNameLength}. Give the group a shorter name in the identity provider.`,
  };
}
