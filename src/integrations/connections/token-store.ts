import type { AccessToken, TokenStore } from '../provider/integration-provider';

/** Tokens of one credential, kept in the memory of this process alone. */
export class InProcessTokenStore implements TokenStore {
  private current: AccessToken | null = null;
  private minting: Promise<AccessToken> | null = null;

  get(mint: () => Promise<AccessToken>): Promise<AccessToken> {
    if (this.current && this.current.expiresAt > Date.now()) return Promise.resolve(this.current);
    this.minting ??= mint()
      .then((token) => (this.current = token))
      .finally(() => {
        this.minting = null;
      });
    return this.minting;
  }

  drop(token: AccessToken): void {
    if (this.current?.value === token.value) this.current = null;
  }
}
