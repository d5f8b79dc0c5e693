import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SETTINGS, type Settings } from '../config/settings';
import { TooManyRequestsError } from './too-many-requests';

export type Door = 'scim' | 'admin';

/** So many seconds' worth of requests may come at once. */
const BURST_SECONDS = 4;

/**
 * How much one authenticated caller may ask at a door, and one tenant at both doors together: the operator's rate, counted
 * in windows of four seconds, so that four seconds' worth may come at once. Each process counts for itself.
 */
@Injectable()
export class RateLimits {
  private readonly callers: Record<Door, RateLimit | null>;
  private readonly tenants: RateLimit | null;

  constructor(@Inject(SETTINGS) { rateLimits }: Settings) {
    this.callers = { scim: limitOf(rateLimits.scim), admin: limitOf(rateLimits.admin) };
    this.tenants = limitOf(rateLimits.tenant);
  }

  /**
   * Counts one request.
   *
   * @param caller whose key was verified: the count of a caller who was not would fall to somebody else
   * @param tenantId null for a platform key
   * @throws TooManyRequestsError
   */
  async take(door: Door, caller: string, tenantId: string | null): Promise<void> {
    await this.callers[door]?.take(caller);
    if (tenantId !== null) await this.tenants?.take(tenantId);
  }

  /**
   * Counts what a request that was let in asks for beyond itself: a Bulk of n operations is n requests, so n - 1 more. It
   * is never refused: what exceeds the limits is paid off before the next request is let in.
   */
  async charge(door: Door, caller: string, tenantId: string | null, points: number): Promise<void> {
    await this.callers[door]?.charge(caller, points);
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
        'More requests came than Scimify takes in such a short time; send this one again after the seconds that Retry-After names.',
        refusal.msBeforeNext,
      );
    }
  }

  async charge(whose: string, points: number): Promise<void> {
    if (points <= 0) return;
    const { consumedPoints, msBeforeNext } = await this.limiter.penalty(whose, points);
    // Refused requests are consumed as well, and they are not to be paid for: so it is never more than was charged now.
    const excess = Math.min(points, consumedPoints - this.limiter.points);
    if (excess <= 0) return;
    // The library forgets what a window had too much of when it ends, so the window is made longer.
    await this.limiter.block(whose, msBeforeNext / 1_000 + excess / this.perSecond);
  }
}

function limitOf(requestsPerSecond: number): RateLimit | null {
  return requestsPerSecond === 0 ? null : new RateLimit(requestsPerSecond);
}
