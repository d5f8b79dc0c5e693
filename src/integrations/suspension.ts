import type { Actor } from '../audit/actor';
import type { AuditEntry } from '../audit/audit-log';
import { eventOf } from './integration-events';
import type { Integration } from './integration.entity';

/** What the row of an integration says while the engine has no reason to stop by itself. */
export const NOT_SUSPENDED = {
  suspensionReason: null,
  suspensionMessage: null,
  suspendedSince: null,
  nextProbeAt: null,
} as const satisfies Partial<Integration>;

/** What it says while it is not known whether the target can be reached. */
export const NOT_LOOKED_AT = {
  connectionStatus: 'unknown',
  connectionReason: null,
  connectionMessage: null,
  connectionCheckedAt: null,
} as const satisfies Partial<Integration>;

/**
 * The event of a suspension that ends; null where there was no suspension, or where it goes on.
 *
 * @param before the row, locked, as it is before the change
 */
export function endOfSuspension(
  actor: Actor,
  before: Integration,
  change: Partial<Pick<Integration, 'suspensionReason'>>,
): AuditEntry | null {
  const { suspensionReason: reason } = before;
  if (reason === null || change.suspensionReason !== null) return null;
  return { ...eventOf(before, actor, 'integration.resumed'), detail: { reason } };
}
