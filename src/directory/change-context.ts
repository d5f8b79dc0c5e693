import type { Actor } from '../audit/actor';

/** On whose behalf, and in which integration, the desired state is changed. */
export interface ChangeContext {
  integrationId: string;
  tenantId: string;
  actor: Actor;
}
