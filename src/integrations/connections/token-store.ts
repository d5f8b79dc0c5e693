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
    this.minting = this.mint(mint).finally(() => (this.minting = null));
    return this.minting;
  }

  drop(token: AccessToken): void {
    if (this.current?.value === token.value) this.current = null;
  }

  /** The credential was tried elsewhere and is good: nobody has to wait any longer. */
  forgetFailure(): void {
    this.failed = null;
  }

  private async mint(mint: () => Promise<AccessToken>): Promise<AccessToken> {
    try {
      this.current = await mint();
      this.failed = null;
      return this.current;
    } catch (error) {
      this.failed = { error: error as Error, until: this.clock.now() + COOL_DOWN_MS };
      throw error;
    }
  }
}
