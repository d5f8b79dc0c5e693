import type { AccessToken, TokenStore } from '../provider/integration-provider';
import { type Clock, MONOTONIC_CLOCK } from './clock';

/** Wait after a failed token request, because many runs may be waiting for one credential. */
const COOL_DOWN_MS = 1_000;

/** Tokens of one credential, only in the memory of this process. */
export class InProcessTokenStore implements TokenStore {
  private current: AccessToken | null = null;
  private minting: Promise<AccessToken> | null = null;
  private failed: { error: Error; until: number } | null = null;

  constructor(private readonly clock: Pick<Clock, 'now'> = MONOTONIC_CLOCK) {}

  get(mint: () => Promise<AccessToken>): Promise<AccessToken> {
    // Uses the system clock: the monotonic clock may stop while the machine sleeps, but tokens expire anyway.
    if (this.current && this.current.expiresAt > Date.now()) return Promise.resolve(this.current);
    if (this.minting) return this.minting;
    if (this.failed && this.clock.now() < this.failed.until) return Promise.reject(this.failed.error);
    const minting = mint();
    this.minting = minting;
    minting.then(
      (token) => this.settle(minting, { token, error: null }),
      (error: Error) => this.settle(minting, { token: null, error }),
    );
    return minting;
  }

  drop(token: AccessToken): void {
    if (this.current?.value === token.value) this.current = null;
  }

  /**
   * The next `get` requests a new token. An admin may have repaired the credential since the last refusal or since
   * the start of the request that is under way.
   */
  forgetFailure(): void {
    this.failed = null;
    this.minting = null;
  }

  /** The result of a request that `forgetFailure` dropped goes only to the callers that wait for it. */
  private settle(
    minting: Promise<AccessToken>,
    { token, error }: { token: AccessToken; error: null } | { token: null; error: Error },
  ): void {
    if (this.minting !== minting) return;
    this.minting = null;
    if (token) this.current = token;
    this.failed = error && { error, until: this.clock.now() + COOL_DOWN_MS };
  }
}
