import type { Actor } from '../audit/actor';
import type { AuditEntry } from '../audit/audit-log';
import { eventOf } from './integration-events';
import type { Integration } from './integration.entity';

/** Columns of an integration that is not suspended. */
export const NOT_SUSPENDED = {
  suspensionReason: null,
  suspensionMessage: null,
  suspendedSince: null,
  nextProbeAt: null,
} as const satisfies Partial<Integration>;

/** Columns of an integration whose connection status is not known. */
export const CONNECTION_UNKNOWN = {
  connectionStatus: 'unknown',
  connectionReason: null,
  connectionMessage: null,
  connectionCheckedAt: null,
} as const satisfies Partial<Integration>;

/**
 * Returns the audit event for the end of a suspension. Null when there was no suspension or when it continues.
 *
 * @param before the locked row before the change
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
