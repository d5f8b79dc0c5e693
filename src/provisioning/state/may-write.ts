import type { Integration } from '../../integrations/integration.entity';
import { ACCOUNT_MISMATCH } from '../../integrations/suspension-reasons';

/** Whether the engine may write to the integration's target now. One that is being deleted lets go of its teams in any mode. */
export function mayWrite(integration: Integration): boolean {
  if (integration.mode !== 'enabled' && !isBeingDeleted(integration)) return false;
  if (integration.suspensionReason === null) return true;
  if (integration.suspensionReason === ACCOUNT_MISMATCH) {
    // No probe ends it: it is looked at again once an admin has changed something.
    return integration.accountCheckedRevision !== integration.revision;
  }
  return integration.nextProbeAt !== null && integration.nextProbeAt <= Date.now();
}

/** The same of an `integration` i that is not being deleted, in SQL. Takes the time. */
export const MAY_WRITE = `(i.mode = 'enabled' AND (i.suspensionReason IS NULL
  OR (i.suspensionReason = '${ACCOUNT_MISMATCH}'
      AND (i.accountCheckedRevision IS NULL OR i.accountCheckedRevision <> i.revision))
  OR (i.suspensionReason <> '${ACCOUNT_MISMATCH}' AND i.nextProbeAt <= ?)))`;

/** Then every group goes, whether or not the IdP deleted it. */
export function isBeingDeleted({ deletingSince }: Pick<Integration, 'deletingSince'>): boolean {
  return deletingSince !== null;
}
