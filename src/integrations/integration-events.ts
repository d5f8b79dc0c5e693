import type { Actor } from '../audit/actor';
import type { AuditEntry } from '../audit/audit-log';
import type { Integration } from './integration.entity';

/** The fields that every audit event of an integration has. */
export function eventOf(
  { id, tenantId }: Pick<Integration, 'id' | 'tenantId'>,
  actor: Actor,
  action: string,
): AuditEntry {
  return { actor, action, target: { type: 'integration', id }, tenantId, integrationId: id };
}
