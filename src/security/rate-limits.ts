import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SETTINGS, type Settings } from '../config/settings';
import { TooManyRequestsError } from './too-many-requests';

export type Api = 'scim' | 'admin';

/** The requests of so many seconds may come at once. */
const BURST_SECONDS = 4;

/**
 * Limits the requests of one authenticated caller at one API, and of one tenant at both APIs together. It counts
 * the operator's rate in windows of four seconds, so the requests of four seconds may come at once. Each process
 * counts for itself.
 */
@Injectable()
export class RateLimits {
  private readonly callers: Record<Api, RateLimit | null>;
  private readonly tenants: RateLimit | null;

  constructor(@Inject(SETTINGS) { rateLimits }: Settings) {
    this.callers = { scim: limitOf(rateLimits.scim), admin: limitOf(rateLimits.admin) };
    this.tenants = limitOf(rateLimits.tenant);
  }

  /**
   * Counts one request.
   *
   * @param caller a caller with a verified key: an unverified caller could use up the limit of another
   * @param tenantId null for a platform key
   * @throws TooManyRequestsError
   */
  async take(api: Api, caller: string, tenantId: string | null): Promise<void> {
    await this.callers[api]?.take(caller);
    if (tenantId !== null) await this.tenants?.take(tenantId);
  }

  /**
   * Counts the additional work of an admitted request: a Bulk of n operations is n requests, so n - 1 more. It
   * never refuses. What exceeds the limits is paid off before the next request is admitted.
   */
  async charge(api: Api, caller: string, tenantId: string | null, points: number): Promise<void> {
    await this.callers[api]?.charge(caller, points);
    if (tenantId !== null) await this.tenants?.charge(tenantId, points);
  }
}

class RateLimit {
  private readonly limiter: RateLimiterMemory;

  constructor(private readonly perSecond: number) {
    this.limiter = new RateLimiterMemory({ points: perSecond * BURST_SECONDS, duration: BURST_SECONDS });
  }

  async take(whose: string): Promise<void> {
    try {
      await this.limiter.consume(whose);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw TooManyRequestsError.within(
        'Too many requests came in a short time; send this request again after the seconds in Retry-After.',
        refusal.msBeforeNext,
      );
    }
  }

  async charge(whose: string, points: number): Promise<void> {
    if (points <= 0) return;
    const { consumedPoints, msBeforeNext } = await this.limiter.penalty(whose, points);
    // The library counts refused requests too, which cost nothing here. So the excess is never more than this
    // charge.
    const excess = Math.min(points, consumedPoints - this.limiter.points);
    if (excess <= 0) return;
    // The library forgets the excess of a window when it ends, so this makes the window longer.
    await this.limiter.block(whose, msBeforeNext / 1_000 + excess / this.perSecond);
  }
}

function limitOf(requestsPerSecond: number): RateLimit | null {
  return requestsPerSecond === 0 ? null : new RateLimit(requestsPerSecond);
}
