import { clientNetwork } from './client-network';
import { KnownTokens, type StoredToken } from './known-tokens';
import { hashToken } from './token';
import { TooManyRequestsError } from './too-many-requests';

/** Failures of one network at one door before it is held off. */
const BUDGET = 100;
const WINDOW_MS = 60_000;
const MOST_NETWORKS = 10_000;

interface Failures {
  count: number;
  until: number;
}

/**
 * Holds off those who guess keys at one door.
 *
 * Failures are counted by the network they come from: 100 in a minute are answered as such. After that, until the minute
 * is over, a token that no key has is refused without a look-up, and a known one that does not open this door (revoked,
 * expired, of another integration) after it; both with 429.
 *
 * A good key is never slowed, whatever its neighbours do: customers of one identity provider share its addresses. It is
 * among the known ones, and so it is looked up as always. A key that another process made in the last second is the only one
 * that may have to come again.
 *
 * Memory is bounded: at most 10,000 networks are remembered, and of those the ones that failed last.
 */
export class FailedAuthentications {
  private readonly failures = new Map<string, Failures>();
  private readonly known: KnownTokens;

  /** @param storedTokens the keys of this door that follow an id in the order of ids */
  constructor(storedTokens: (afterId: string, limit: number) => Promise<StoredToken[]>) {
    this.known = new KnownTokens(storedTokens);
  }

  /**
   * @param lookUp finds who may act by the token, null for nobody
   * @param isGoodAnyway it is good without being stored
   * @throws TooManyRequestsError instead of a null that is one too many
   */
  async verify<Caller>(
    token: string,
    address: string,
    lookUp: () => Promise<Caller | null>,
    isGoodAnyway = false,
  ): Promise<Caller | null> {
    const network = clientNetwork(address);
    const worthALook =
      this.msHeldOff(network) === 0 || isGoodAnyway || (await this.known.has(hashToken(token)));
    const caller = worthALook ? await lookUp() : null;
    if (caller !== null) return caller;
    // Asked again: others may have failed while this one was looked up.
    const heldOff = this.msHeldOff(network);
    if (heldOff > 0) throw tooManyFailures(heldOff);
    this.count(network);
    return null;
  }

  /** How much longer, 0 for a network that may fail. */
  private msHeldOff(network: string): number {
    const failures = this.failures.get(network);
    return failures && failures.count >= BUDGET ? Math.max(0, failures.until - performance.now()) : 0;
  }

  private count(network: string): void {
    const now = performance.now();
    const known = this.failures.get(network);
    // Put in anew, it is the last one to be forgotten.
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

function tooManyFailures(heldOffMs: number): TooManyRequestsError {
  return TooManyRequestsError.within(
    'The key is not valid, and too many such keys came from this address; try again with a valid one, or after the seconds that Retry-After names.',
    heldOffMs,
  );
}
