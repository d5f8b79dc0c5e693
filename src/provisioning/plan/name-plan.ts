import { type Obstacle, nameObstacle } from './new-group';
import type { IntegrationProvider } from '../../integrations/provider/integration-provider';

export interface NamePlanInput {
  /** The name that the IdP wants. */
  name: string;
  team: {
    remoteName: string | null;
    nameReason: string | null;
    nameMessage: string | null;
    nameNextAttemptAt: number | null;
  };
  /** Whether the group changed since the last attempt at the name. */
  changed: boolean;
  now: number;
  provider: Pick<IntegrationProvider, 'limits' | 'description'>;
}

export type NamePlan =
  | { kind: 'keep' }
  /** The target refused it, and the next attempt is not due yet. */
  | { kind: 'wait'; obstacle: Obstacle }
  | { kind: 'blocked'; obstacle: Obstacle }
  | { kind: 'rename'; name: string };

/**
 * What to do about the name of an existing remote group. Pure.
 *
 * | remote name | refused, next attempt later, group not changed | too long | then    |
 * | ----------- | ---------------------------------------------- | -------- | ------- |
 * | the group's | -                                              | -        | keep    |
 * | another     | yes                                            | -        | wait    |
 * | another     | no                                             | yes      | blocked |
 * | another     | no                                             | no       | rename  |
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
