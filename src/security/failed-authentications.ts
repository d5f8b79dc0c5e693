import { clientNetwork } from './client-network';
import { KnownTokens, type StoredToken } from './known-tokens';
import { hashToken } from './token';
import { TooManyRequestsError } from './too-many-requests';

/** Failures of one network at one API before it is blocked. */
const BUDGET = 100;
const WINDOW_MS = 60_000;
const MOST_NETWORKS = 10_000;

interface Failures {
  count: number;
  until: number;
}

/**
 * Blocks clients that guess keys of one API.
 *
 * It counts failures for each client network: 100 in a minute get the normal response. After that, until the
 * minute is over, it refuses a token that no key has without a look-up. A known token that is not valid for this
 * API (revoked, expired, of another integration) is refused after the look-up. Both get 429.
 *
 * A valid key is never slowed down, whatever its neighbours do: customers of one identity provider share its
 * addresses. It is a known token, so it is looked up as always. Only a key that another process made in the last
 * second may have to come again.
 *
 * Memory is bounded: it remembers at most 10,000 networks, those that failed last.
 */
export class FailedAuthentications {
  private readonly failures = new Map<string, Failures>();
  private readonly known: KnownTokens;

  /** @param storedTokens reads the keys of this API that follow an id, in the order of ids */
  constructor(storedTokens: (afterId: string, limit: number) => Promise<StoredToken[]>) {
    this.known = new KnownTokens(storedTokens);
  }

  /**
   * @param lookUp finds the caller that the token belongs to, or null
   * @param isValidUnstored the token is valid without being stored
   * @throws TooManyRequestsError instead of null after too many failures
   */
  async verify<Caller>(
    token: string,
    address: string,
    lookUp: () => Promise<Caller | null>,
    isValidUnstored = false,
  ): Promise<Caller | null> {
    const network = clientNetwork(address);
    const mayBeValid =
      this.msBlocked(network) === 0 || isValidUnstored || (await this.known.has(hashToken(token)));
    const caller = mayBeValid ? await lookUp() : null;
    if (caller !== null) return caller;
    // Check again: other requests may have failed during the look-up.
    const blocked = this.msBlocked(network);
    if (blocked > 0) throw tooManyFailures(blocked);
    this.count(network);
    return null;
  }

  /** How much longer the network is blocked; 0 when it is not. */
  private msBlocked(network: string): number {
    const failures = this.failures.get(network);
    return failures && failures.count >= BUDGET ? Math.max(0, failures.until - performance.now()) : 0;
  }

  private count(network: string): void {
    const now = performance.now();
    const known = this.failures.get(network);
    // Inserted again, it is the last one to be forgotten.
    this.failures.delete(network);
    this.failures.set(
      network,
      known && known.until > now
        ? { count: known.count + 1, until: known.until }
        : { count: 1, until: now + WINDOW_MS },
    );
    if (this.failures.size > MOST_NETWORKS) this.failures.delete(this.failures.keys().next().value!);
  }
}

function tooManyFailures(blockedMs: number): TooManyRequestsError {
  return TooManyRequestsError.within(
    'The key is not valid, and too many such keys came from this address; try again with a valid key, or after the seconds in Retry-After.',
    blockedMs,
  );
}
