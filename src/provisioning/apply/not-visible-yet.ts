import {
  ADDITION_NOT_FOUND,
  CHANGE_NOT_FOUND,
  GROUP_GONE,
  GROUP_NOT_VISIBLE_YET,
  ProviderError,
} from '../../integrations/provider/provider-error';
import { PROBE_EVERY_MS, notFoundDelay, passingFailureDelay, refusalDelay } from '../plan/backoff';
import { additionDelay, isJustCreated } from '../plan/just-created';
import type { RemoteGroup } from '../state/remote-group.entity';

const LOOK_AGAIN_AFTER_MS = 5_000;

export const NOT_VISIBLE_YET_MESSAGE = 'A team that was made a moment ago is not shown yet.';

/** Whether a creation that had no answer made its team is not known. */
export const CREATION_UNCONFIRMED = 'creation_unconfirmed';

/** Whether a failure says nothing but that one team is not shown yet: every other one can be worked on. */
export function isOfOneUnseenGroup(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false;
  return error.reason === GROUP_NOT_VISIBLE_YET || error.reason === CREATION_UNCONFIRMED;
}

const NOT_FOUND: ReadonlySet<string> = new Set([GROUP_GONE, CHANGE_NOT_FOUND]);

/** What a failure amounts to: that a team is not found says nothing where it was made a moment ago. */
export function unlessNotVisibleYet<Failure>(
  remote: Pick<RemoteGroup, 'createdRemotelyAt'>,
  error: Failure,
): Failure | ProviderError {
  if (!(error instanceof ProviderError) || !NOT_FOUND.has(error.reason)) return error;
  return isJustCreated(remote, Date.now()) ? notVisibleYet(error) : error;
}

/**
 * What it amounts to that a person cannot be added although team and person are there: within the time by which the
 * target's reads lag it passes, and after that it is a refusal of this person.
 *
 * @param since when the call for this person was first answered so; epoch milliseconds
 */
export function unlessNotSeenYet(error: ProviderError, since: number, now: number): ProviderError {
  const retryAfterMs = additionDelay(since, now);
  if (retryAfterMs === null) return error;
  const { message, outcome, status } = error;
  const remedy = 'Nothing needs to be done: it is tried again by itself.';
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

/** When what the target refuses is tried again; milliseconds. No hint makes a refusal one that is tried again at once. */
export function refusedDelay({ reason, retryAfterMs }: ProviderError, attempts: number): number {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, PROBE_EVERY_MS);
  return reason === CHANGE_NOT_FOUND ? notFoundDelay(attempts) : refusalDelay(attempts);
}

/** Whether it is `unlessNotSeenYet` that lets it pass. */
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
    remedy: 'Nothing needs to be done: it is tried again by itself.',
    retryAfterMs: LOOK_AGAIN_AFTER_MS,
    status: cause.status,
    cause,
  });
}

/**
 * When a passing failure is tried again. What may only not be shown yet is looked at at its own pace, which ends by itself
 * two minutes after the creation.
 *
 * @param attempts failures so far, from 1
 * @returns milliseconds
 */
export function passingDelayOf(error: ProviderError, attempts: number): number {
  const { retryAfterMs } = error;
  return isOfOneUnseenGroup(error) && retryAfterMs !== undefined
    ? retryAfterMs
    : passingFailureDelay(attempts, retryAfterMs, Math.random());
}

/** The target, or the way to it, does not say when it will be there again. */
export function isOutage(error: unknown): boolean {
  return error instanceof ProviderError && error.kind === 'unavailable' && error.retryAfterMs === undefined;
}
