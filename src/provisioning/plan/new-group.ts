import type { IntegrationProvider, ProviderGroup } from '../../integrations/provider/integration-provider';
import type { CreateIntent } from '../state/remote-group.entity';
import { mayBeShownYet } from './just-created';

/** Why the engine cannot go on until an admin changes something. */
export interface Obstacle {
  /** Stable code in snake_case. */
  reason: string;
  /** What is wrong and what to do, for an admin. */
  message: string;
}

/** Another group's claim on a remote group. */
export interface GroupClaim {
  /** The current name of the group, or its name at its deletion. */
  groupName: string;
  integrationId: string;
  /** The IdP deleted the group. */
  deleted: boolean;
  /** The target refuses to give the remote group the current name of its group. */
  stuck: boolean;
}

export interface NewGroupInput {
  /** The name that was looked up: the group's, or that of an earlier creation. */
  name: string;
  /** The current name of the group. */
  groupName: string;
  /** The remote group with that name. */
  existing: ProviderGroup | undefined;
  /** The intent of an earlier, unconfirmed creation. */
  intent: CreateIntent | null;
  claim: GroupClaim | undefined;
  /** Whether another group of the integration may have created it and still waits for the answer. */
  mayBelongToAnotherGroup: boolean;
  integrationId: string;
  existingTeams: 'adopt' | 'fail';
  now: number;
  provider: NamingRules;
}

export type NewGroupPlan =
  | { kind: 'create'; name: string }
  /** Our own creation, whose answer was lost. */
  | { kind: 'recognise'; team: ProviderGroup }
  | { kind: 'adopt'; team: ProviderGroup }
  /**
   * The creation without an answer did not happen, or its remote group now belongs to another group: start again
   * with the current name.
   */
  | { kind: 'give-up' }
  /** It is not known yet which group created the remote group. */
  | { kind: 'wait' }
  /** Another group of this integration is about to give up the name. */
  | { kind: 'wait-for-name'; obstacle: Obstacle }
  | { kind: 'blocked'; obstacle: Obstacle };

type NamingRules = Pick<IntegrationProvider, 'limits' | 'description' | 'groupNameKey'>;

/**
 * How a group without a remote group gets one, after the look-up of its name. Pure.
 *
 * | remote group with that name | claimed by another group | existingTeams | then                               |
 * | --------------------------- | ------------------------ | ------------- | ---------------------------------- |
 * | none                        | -                        | any           | create; blocked by a name too long |
 * | exists                      | yes, and it stays        | any           | blocked                            |
 * | exists                      | yes, to be given up      | any           | wait for the name                  |
 * | exists, as we intended it   | no                       | any           | recognise                          |
 * | exists                      | perhaps: no answer yet   | any           | wait                               |
 * | exists                      | no                       | adopt         | adopt                              |
 * | exists                      | no                       | fail          | blocked                            |
 *
 * A former name of the group is looked up only because of an earlier creation. If that remote group exists, it is
 * recognised. As long as it may exist without being shown yet, it is created again. In every other case the
 * creation is given up.
 *
 * A claim will give up its name if it belongs to this integration, and if its group is deleted or has another name
 * now that the target does not refuse.
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

/** A remote group with the name and description of the recorded intent is ours. Any other one existed before. */
export function isIntended(team: ProviderGroup, intent: CreateIntent): boolean {
  return team.description === intent.description;
}

/** A creation had no answer: it is not known whether the remote group exists. */
export const CREATION_UNCONFIRMED = 'creation_unconfirmed';

export function unconfirmedMessage(name: string): string {
  return `It is not known yet whether the team "${name}" was created.`;
}

function isGivenUp({ groupName, integrationId, deleted, stuck }: GroupClaim, input: NewGroupInput): boolean {
  if (integrationId !== input.integrationId) return false;
  const { provider, name } = input;
  return deleted || (!stuck && provider.groupNameKey(groupName) !== provider.groupNameKey(name));
}

export const TEAM_CLAIMED = 'team_claimed';
export const TEAM_EXISTS = 'team_exists';
export const NAME_TOO_LONG = 'name_too_long';

/** The reason while another group of the integration still has the name for a short time. */
export const NAME_NOT_FREE_YET = 'name_not_free_yet';

export function notFreeYetObstacle(
  name: string,
  { groupName, deleted }: Pick<GroupClaim, 'groupName' | 'deleted'>,
): Obstacle {
  const freed = deleted
    ? `the deleted group "${groupName}" still has it. Scimify tries again when that team is deleted or released. If it lasts, see the state of that group.`
    : `the group "${groupName}" still has it and is about to be renamed. Nothing needs to be done. Scimify tries again.`;
  return {
    reason: NAME_NOT_FREE_YET,
    message: `The name "${name}" is not free yet: the team of ${freed}`,
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
    message: `The team "${teamName}" belongs to ${holder}. Rename this group, or rename or delete the other group first.`,
  };
}

/** Null for a name that passes the known limits of the target. */
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
