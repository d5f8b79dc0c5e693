import { setMaxListeners } from 'node:events';
import type { DiagnosisCheck, ProviderConnection, RemoteAccount } from '../provider/integration-provider';

/** A person waits for the result. */
const TIMEOUT_MS = 20_000;

/** What a whole connection test found. */
export class ConnectionDiagnosis {
  constructor(readonly checks: readonly DiagnosisCheck[]) {}

  /** Warnings do not count: the integration works with them. */
  get ok(): boolean {
    return this.failure === null;
  }

  /** The first failed check: later failures often follow from it. */
  get failure(): DiagnosisCheck | null {
    return this.checks.find(({ status }) => status === 'failed') ?? null;
  }

  get account(): RemoteAccount | null {
    return this.checks.find(({ account }) => account !== undefined)?.account ?? null;
  }

  /** The failure passes by itself, so the credential may be right. */
  get undecided(): boolean {
    return this.failure?.transient === true;
  }

  with(check: DiagnosisCheck): ConnectionDiagnosis {
    return new ConnectionDiagnosis([...this.checks, check]);
  }
}

/** Runs all checks. After a timeout the last check is a failed `in_time`. */
export async function diagnose(
  connection: ProviderConnection,
  longestMs: number = TIMEOUT_MS,
): Promise<ConnectionDiagnosis> {
  const signal = AbortSignal.timeout(longestMs);
  setMaxListeners(0, signal);
  const checks: DiagnosisCheck[] = [];
  try {
    // A test writes nothing, so it needs no lease and runs in every mode.
    const context = { signal, priority: 'interactive' as const, assertMaySend: () => undefined };
    for await (const check of connection.diagnose(context)) checks.push(check);
  } catch (error) {
    if (!signal.aborted) throw error;
    checks.push(notInTime(longestMs));
  }
  return new ConnectionDiagnosis(checks);
}

/** The text of one check for an admin: the cause and what to do about it. */
export function explanationOf({ message, remedy }: DiagnosisCheck): string {
  return remedy === null ? message : `${message} ${remedy}`;
}

function notInTime(longestMs: number): DiagnosisCheck {
  return {
    id: 'in_time',
    title: 'The test ends in time',
    status: 'failed',
    message: `The target did not answer everything within ${longestMs / 1000} seconds.`,
    remedy: 'Test again in a few minutes; this result says nothing about the credential.',
    reason: 'timeout',
    transient: true,
  };
}
