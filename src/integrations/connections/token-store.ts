import type { AccessToken, TokenStore } from '../provider/integration-provider';
import { type Clock, MONOTONIC_CLOCK } from './clock';

/** After a mint that failed nobody tries again for so long: many runs may be waiting for one credential. */
const COOL_DOWN_MS = 1_000;

/** Tokens of one credential, kept in the memory of this process alone. */
export class InProcessTokenStore implements TokenStore {
  private current: AccessToken | null = null;
  private minting: Promise<AccessToken> | null = null;
  private failed: { error: Error; until: number } | null = null;

  constructor(private readonly clock: Pick<Clock, 'now'> = MONOTONIC_CLOCK) {}

  get(mint: () => Promise<AccessToken>): Promise<AccessToken> {
    // By the system's clock: the monotonic one may stand still while the machine sleeps, and tokens end all the same.
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
   * Whoever asks from now on has a token asked for: the credential may have been mended since the last refusal, or since the
   * mint began that is under way.
   */
  forgetFailure(): void {
    this.failed = null;
    this.minting = null;
  }

  /** What becomes of a mint that was given up meanwhile is for those alone who wait for it. */
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
