import type { IntegrationProvider, RemoteGroup } from '../../integrations/provider/integration-provider';
import type { CreateIntent } from '../state/remote-group.entity';

/** Why nothing can be done until people change something. */
export interface Obstacle {
  /** Stable code in snake_case. */
  reason: string;
  /** What is wrong and what to do, for an admin. */
  message: string;
}

/** Another group's claim on a team. */
export interface Claim {
  groupName: string;
  integrationId: string;
}

export interface NewTeamInput {
  name: string;
  /** What the target has under that name. */
  existing: RemoteGroup | undefined;
  /** An earlier creation that was not confirmed. */
  intent: CreateIntent | null;
  claim: Claim | undefined;
  integrationId: string;
  existingTeams: 'adopt' | 'fail';
  provider: NamingRules;
}

export type NewTeamPlan =
  | { kind: 'create'; name: string }
  /** Our own creation, which had no answer. */
  | { kind: 'recognise'; team: RemoteGroup }
  | { kind: 'adopt'; team: RemoteGroup }
  | { kind: 'blocked'; obstacle: Obstacle };

type NamingRules = Pick<IntegrationProvider, 'limits' | 'description'>;

/**
 * How a group without a team comes to one, once its name was looked up. Pure.
 *
 * | team of that name               | claimed by another group | existingTeams | then                               |
 * | ------------------------------- | ------------------------ | ------------- | ---------------------------------- |
 * | none                            | -                        | any           | create; blocked by a name too long |
 * | there                           | yes                      | any           | blocked                            |
 * | there, as we meant to create it | no                       | any           | recognise                          |
 * | there                           | no                       | adopt         | adopt                              |
 * | there                           | no                       | fail          | blocked                            |
 */
export function planNewTeam(input: NewTeamInput): NewTeamPlan {
  const { name, existing, intent, claim } = input;
  if (!existing) {
    const obstacle = nameObstacle(name, input.provider);
    return obstacle ? { kind: 'blocked', obstacle } : { kind: 'create', name };
  }
  if (claim) return { kind: 'blocked', obstacle: claimObstacle(existing.name, claim, input.integrationId) };
  if (intent && isIntended(existing, intent)) return { kind: 'recognise', team: existing };
  if (input.existingTeams === 'adopt') return { kind: 'adopt', team: existing };
  return {
    kind: 'blocked',
    obstacle: {
      reason: 'team_exists',
      message: `A team named "${existing.name}" exists already and this integration does not adopt teams. Rename one of them, or let the integration adopt existing teams.`,
    },
  };
}

/** A team of that very name and description, under the recorded intent, is ours; any other was there already. */
export function isIntended(team: RemoteGroup, intent: CreateIntent): boolean {
  return team.description === intent.description;
}

export function claimObstacle(teamName: string, claim: Claim, integrationId: string): Obstacle {
  const holder =
    claim.integrationId === integrationId
      ? `the group "${claim.groupName}"`
      : 'a group of another integration';
  return {
    reason: 'team_claimed',
    message: `The team "${teamName}" belongs to ${holder}. Rename this group, or let the other one go first.`,
  };
}

/** Null for a name that the target takes as far as one can tell without asking. */
export function nameObstacle(name: string, { limits, description }: NamingRules): Obstacle | null {
  const length = [...name].length;
  if (length <= limits.groupNameLength) return null;
  return {
    reason: 'name_too_long',
    message: `The name has ${length} characters and ${description.displayName} takes ${limits.groupNameLength}. Give the group a shorter name in the identity provider.`,
  };
}
