import type { Integration } from '../../integrations/integration.entity';
import { ACCOUNT_MISMATCH } from '../../integrations/suspension-reasons';

/**
 * Whether the engine may write to the integration's target now. For an integration that is being deleted the mode
 * does not matter.
 */
export function mayWrite(integration: Integration): boolean {
  if (integration.mode !== 'enabled' && !isBeingDeleted(integration)) return false;
  if (integration.suspensionReason === null) return true;
  if (integration.suspensionReason === ACCOUNT_MISMATCH) {
    // No probe ends it: the engine checks again only after an admin has changed something.
    return integration.accountCheckedRevision !== integration.revision;
  }
  return integration.nextProbeAt !== null && integration.nextProbeAt <= Date.now();
}

/** SQL: the same for an `integration` i that is not being deleted. Takes the time. */
export const MAY_WRITE = `(i.mode = 'enabled' AND (i.suspensionReason IS NULL
  OR (i.suspensionReason = '${ACCOUNT_MISMATCH}'
      AND (i.accountCheckedRevision IS NULL OR i.accountCheckedRevision <> i.revision))
  OR (i.suspensionReason <> '${ACCOUNT_MISMATCH}' AND i.nextProbeAt <= ?)))`;

/** In this case every remote group is released or deleted, also if the IdP did not delete the group. */
export function isBeingDeleted({ deletingSince }: Pick<Integration, 'deletingSince'>): boolean {
  return deletingSince !== null;
}
