import type { Integration } from '../../integrations/integration.entity';

/** An admin paused the integration, or never enabled it. */
const INTEGRATION_PAUSED = 'integration_paused';
const INTEGRATION_DISABLED = 'integration_disabled';

const PAUSED_MESSAGE = 'The integration is paused: nothing is written until an admin enables it.';
const DISABLED_MESSAGE =
  'The integration is disabled: changes of the identity provider are refused, and nothing is written until an admin enables it.';

/** Why the engine currently writes nothing for an integration, whatever its groups and users wait for. */
export interface Standstill {
  reason: string;
  message: string;
  /** When the engine tries again; epoch milliseconds, null if only an admin can end the standstill. */
  resumesAt: number | null;
}

/** @returns null if the engine works on the integration; the mode does not matter for one that is being deleted */
export function standstillOf(integration: Integration): Standstill | null {
  const { mode, deletingSince, suspensionReason, suspensionMessage, nextProbeAt } = integration;
  const suspension =
    suspensionReason === null ? null : `The integration is suspended. ${suspensionMessage ?? ''}`.trim();
  if (mode !== 'enabled' && deletingSince === null) {
    const stopped =
      mode === 'paused'
        ? { reason: INTEGRATION_PAUSED, message: PAUSED_MESSAGE }
        : { reason: INTEGRATION_DISABLED, message: DISABLED_MESSAGE };
    const message = suspension === null ? stopped.message : `${stopped.message} ${suspension}`;
    return { ...stopped, message, resumesAt: null };
  }
  if (suspension === null) return null;
  return { reason: suspensionReason!, message: suspension, resumesAt: nextProbeAt };
}

/** Why an item is open, and when the next attempt is due. */
interface OpenState {
  reason: string | null;
  message: string | null;
  nextAttemptAt: number | null;
}

/**
 * The row of an open item while the integration stands still. A reason for an admin to act on stays; no attempt is
 * due before the standstill ends.
 *
 * @param row `isUnsettled`: it waits only for its turn, or for a passing failure to end
 */
export function duringStandstill<Row extends OpenState>(
  row: Row,
  isUnsettled: boolean,
  standstill: Standstill | null,
): Row {
  if (standstill === null) return row;
  const { resumesAt, ...cause } = standstill;
  if (isUnsettled) return { ...row, ...cause, nextAttemptAt: later(row.nextAttemptAt ?? 0, resumesAt) };
  return row.nextAttemptAt === null ? row : { ...row, nextAttemptAt: later(row.nextAttemptAt, resumesAt) };
}

function later(nextAttemptAt: number, resumesAt: number | null): number | null {
  return resumesAt === null ? null : Math.max(nextAttemptAt, resumesAt);
}
