import type { Integration } from '../../integrations/integration.entity';

/** An admin paused the integration, or never enabled it. */
const INTEGRATION_PAUSED = 'integration_paused';
const INTEGRATION_DISABLED = 'integration_disabled';

const PAUSED_MESSAGE = 'The integration is paused: nothing is written until an admin enables it.';
const DISABLED_MESSAGE =
  'The integration is disabled: changes of the identity provider are refused, and nothing is written until an admin enables it.';

/** Why nothing of an integration is written for the time being, whatever its groups and people wait for. */
export interface Standstill {
  reason: string;
  message: string;
  /** When it is tried again by itself; epoch milliseconds, null where only an admin ends it. */
  resumesAt: number | null;
}

/** @returns null where the engine works on it; one that is being deleted lets go of its teams in every mode */
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

/** Why something is not done, and when it is tried again. */
interface OpenState {
  reason: string | null;
  message: string | null;
  nextAttemptAt: number | null;
}

/**
 * What is to be said of something that is not done while the integration stands still. What people have to settle stays
 * said; nothing is tried before the standstill ends.
 *
 * @param row `isUnsettled`: it waits for nothing but its turn, or for a failure to pass
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
