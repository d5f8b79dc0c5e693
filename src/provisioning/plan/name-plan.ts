import { type Obstacle, nameObstacle } from './new-group';
import type { IntegrationProvider } from '../../integrations/provider/integration-provider';

export interface NamePlanInput {
  /** As the IdP wants it. */
  name: string;
  team: {
    remoteName: string | null;
    nameReason: string | null;
    nameMessage: string | null;
    nameNextAttemptAt: number | null;
  };
  /** Whether anything of the group changed since the name was tried last. */
  changed: boolean;
  now: number;
  provider: Pick<IntegrationProvider, 'limits' | 'description'>;
}

export type NamePlan =
  | { kind: 'keep' }
  /** It was refused, and it is not time to try it again. */
  | { kind: 'wait'; obstacle: Obstacle }
  | { kind: 'blocked'; obstacle: Obstacle }
  | { kind: 'rename'; name: string };

/**
 * What has to be done about the name of a team that is there. Pure.
 *
 * | the team's name | refused, next attempt later, group not changed | too long | then    |
 * | --------------- | ---------------------------------------------- | -------- | ------- |
 * | the group's     | -                                              | -        | keep    |
 * | another         | yes                                            | -        | wait    |
 * | another         | no                                             | yes      | blocked |
 * | another         | no                                             | no       | rename  |
 */
export function planName({ name, team, changed, now, provider }: NamePlanInput): NamePlan {
  if (team.remoteName === name) return { kind: 'keep' };
  const { nameReason, nameMessage, nameNextAttemptAt } = team;
  if (nameReason !== null && nameNextAttemptAt !== null && nameNextAttemptAt > now && !changed) {
    return { kind: 'wait', obstacle: { reason: nameReason, message: nameMessage ?? '' } };
  }
  const obstacle = nameObstacle(name, provider);
  return obstacle ? { kind: 'blocked', obstacle } : { kind: 'rename', name };
}
