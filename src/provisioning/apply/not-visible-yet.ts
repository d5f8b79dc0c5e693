import {
  ADDITION_NOT_FOUND,
  CHANGE_NOT_FOUND,
  GROUP_GONE,
  GROUP_NOT_VISIBLE_YET,
  ProviderError,
} from '../../integrations/provider/provider-error';
import { PROBE_EVERY_MS, notFoundDelay, passingFailureDelay, refusalDelay } from '../plan/backoff';
import { additionDelay, isJustCreated } from '../plan/just-created';
import { CREATION_UNCONFIRMED } from '../plan/new-group';
import type { RemoteGroup } from '../state/remote-group.entity';

const LOOK_AGAIN_AFTER_MS = 5_000;

export const NOT_VISIBLE_YET_MESSAGE = 'The target does not show a newly created team yet.';

/** The remote group may exist without being shown yet. */
const NOT_SHOWN_YET: ReadonlySet<string> = new Set([GROUP_NOT_VISIBLE_YET, CREATION_UNCONFIRMED]);
const NOT_FOUND: ReadonlySet<string> = new Set([GROUP_GONE, CHANGE_NOT_FOUND]);

/** "Not found" proves nothing for a remote group that was just created: the result is then a passing failure. */
export function unlessNotVisibleYet<Failure>(
  remote: Pick<RemoteGroup, 'createdRemotelyAt'>,
  error: Failure,
): Failure | ProviderError {
  if (!(error instanceof ProviderError) || !NOT_FOUND.has(error.reason)) return error;
  return isJustCreated(remote, Date.now()) ? notVisibleYet(error) : error;
}

/**
 * The target answers "not found" to an addition although it shows both the group and the user. While its reads may
 * lag, this is a passing failure. After that it is a refusal of this user.
 *
 * @param since when the call for this user first got this answer; epoch milliseconds
 */
export function unlessNotSeenYet(error: ProviderError, since: number, now: number): ProviderError {
  const retryAfterMs = additionDelay(since, now);
  if (retryAfterMs === null) return error;
  const { message, outcome, status } = error;
  const remedy = 'Nothing needs to be done. Scimify tries again.';
  return new ProviderError({
    kind: 'unavailable',
    reason: GROUP_NOT_VISIBLE_YET,
    message,
    remedy,
    outcome,
    status,
    retryAfterMs,
    cause: error,
  });
}

/**
 * The delay until a refusal is retried; milliseconds. A retry hint of the target never shortens it below the probe
 * interval.
 */
export function refusedDelay({ reason, retryAfterMs }: ProviderError, attempts: number): number {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, PROBE_EVERY_MS);
  return reason === CHANGE_NOT_FOUND ? notFoundDelay(attempts) : refusalDelay(attempts);
}

/** Whether `unlessNotSeenYet` made this failure a passing one. */
export function isNotSeenYet({ reason, cause }: ProviderError): boolean {
  return (
    reason === GROUP_NOT_VISIBLE_YET && cause instanceof ProviderError && cause.reason === ADDITION_NOT_FOUND
  );
}

function notVisibleYet(cause: ProviderError): ProviderError {
  return new ProviderError({
    kind: 'unavailable',
    outcome: cause.outcome,
    reason: GROUP_NOT_VISIBLE_YET,
    message: NOT_VISIBLE_YET_MESSAGE,
    remedy: 'Nothing needs to be done. Scimify tries again.',
    retryAfterMs: LOOK_AGAIN_AFTER_MS,
    status: cause.status,
    cause,
  });
}

/**
 * The delay until a passing failure is retried. A group that may only not be shown yet is checked at a fixed pace,
 * which ends two minutes after its creation.
 *
 * @param attempts failures so far, from 1
 * @returns milliseconds
 */
export function passingDelayOf(error: ProviderError, attempts: number): number {
  const { reason, retryAfterMs } = error;
  return NOT_SHOWN_YET.has(reason) && retryAfterMs !== undefined
    ? retryAfterMs
    : passingFailureDelay(attempts, retryAfterMs, Math.random());
}

/** The target or the network is down, without a hint when it will be back. */
export function isOutage(error: unknown): boolean {
  return error instanceof ProviderError && error.kind === 'unavailable' && error.retryAfterMs === undefined;
}
