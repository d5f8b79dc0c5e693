import type { AccessToken } from '../provider/integration-provider';
import { InProcessTokenStore } from './token-store';

function token(value: string, livesMs = 60_000): AccessToken {
  return { value, expiresAt: Date.now() + livesMs };
}

/** A token request that the test finishes. */
function slowMint() {
  let minted = 0;
  let finish: { resolve: (token: AccessToken) => void; reject: (error: Error) => void };
  const mint = () => {
    minted += 1;
    return new Promise<AccessToken>((resolve, reject) => (finish = { resolve, reject }));
  };
  return {
    mint,
    count: () => minted,
    resolve: (t: AccessToken) => finish.resolve(t),
    reject: (e: Error) => finish.reject(e),
  };
}

const mintNothing = () => Promise.reject(new Error('no token request expected'));

describe('the tokens of a credential', () => {
  it('are requested once for all callers, and kept', async () => {
    const store = new InProcessTokenStore();
    const { mint, count, resolve } = slowMint();
    const asked = Array.from({ length: 20 }, () => store.get(mint));
    resolve(token('one'));
    expect(new Set((await Promise.all(asked)).map(({ value }) => value))).toEqual(new Set(['one']));
    expect(count()).toBe(1);
    await expect(store.get(mintNothing)).resolves.toMatchObject({ value: 'one' });
  });

  it('are requested again after they expire', async () => {
    const store = new InProcessTokenStore();
    await store.get(async () => token('old', -1));
    await expect(store.get(async () => token('new'))).resolves.toMatchObject({ value: 'new' });
  });

  it('are forgotten at once when dropped, but a newer token stays', async () => {
    const store = new InProcessTokenStore();
    const old = await store.get(async () => token('old'));
    store.drop(old);
    const { mint, count, resolve } = slowMint();
    const asked = store.get(mint);
    // Another call fails with the old token, before and after the new token arrives.
    store.drop(old);
    resolve(token('new'));
    await asked;
    store.drop(old);
    await expect(store.get(mint)).resolves.toMatchObject({ value: 'new' });
    expect(count()).toBe(1);
  });

  it('fail for all waiting callers if the request fails, and are requested again after a second', async () => {
    let now = 0;
    const store = new InProcessTokenStore({ now: () => now });
    const { mint, count, reject } = slowMint();
    const asked = [store.get(mint), store.get(mint)];
    reject(new Error('PagerDuty is away'));
    for (const end of await Promise.allSettled(asked)) expect(end.status).toBe('rejected');
    now = 999;
    await expect(store.get(mint)).rejects.toThrow('PagerDuty is away');
    expect(count()).toBe(1);
    now = 1_000;
    await expect(store.get(async () => token('late'))).resolves.toMatchObject({ value: 'late' });
  });

  it('are requested again at once after a failure is forgotten, also if the failing request is still under way', async () => {
    const store = new InProcessTokenStore({ now: () => 0 });
    await expect(store.get(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    store.forgetFailure();
    const late = slowMint();
    const asked = store.get(late.mint);
    store.forgetFailure();
    const { mint, count, resolve } = slowMint();
    const askedSince = [store.get(mint), store.get(mint)];
    late.reject(new Error('refused before it was mended'));
    await expect(asked).rejects.toThrow('refused before it was mended');
    askedSince.push(store.get(mint));
    resolve(token('mended'));
    for (const { value } of await Promise.all(askedSince)) expect(value).toBe('mended');
    expect(count()).toBe(1);
    await expect(store.get(mintNothing)).resolves.toMatchObject({ value: 'mended' });
  });
});
