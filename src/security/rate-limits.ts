import { Inject, Injectable } from '@nestjs/common';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SETTINGS, type Settings } from '../config/settings';
import { TooManyRequestsError } from './too-many-requests';

export type Door = 'scim' | 'admin';

/** So many seconds' worth of requests may come at once. */
const BURST_SECONDS = 4;

/**
 * How much one authenticated caller may ask at a door: the operator's rate, counted in windows of four seconds, so that four
 * seconds' worth may come at once. Each process counts for itself.
 */
@Injectable()
export class RateLimits {
  private readonly limiters: Record<Door, RateLimiterAbstract | null>;

  constructor(@Inject(SETTINGS) { rateLimits }: Settings) {
    this.limiters = { scim: limiterOf(rateLimits.scim), admin: limiterOf(rateLimits.admin) };
  }

  /**
   * Counts one request.
   *
   * @param caller whose key was verified: the count of a caller who was not would fall to somebody else
   * @throws TooManyRequestsError
   */
  async take(door: Door, caller: string): Promise<void> {
    try {
      await this.limiters[door]?.consume(caller);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw TooManyRequestsError.within(
        'More requests came than Scimify takes in such a short time; send this one again after the seconds that Retry-After names.',
        refusal.msBeforeNext,
      );
    }
  }
}

function limiterOf(requestsPerSecond: number): RateLimiterAbstract | null {
  if (requestsPerSecond === 0) return null;
  return new RateLimiterMemory({ points: requestsPerSecond * BURST_SECONDS, duration: BURST_SECONDS });
}
