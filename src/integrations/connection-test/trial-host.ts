import { InProcessCallSlots } from '../connections/call-slots';
import type { AccessToken, ConnectionHost } from '../provider/integration-provider';

/** Uses one token for all calls. */
export function trialHostWithToken(): ConnectionHost {
  let token: Promise<AccessToken> | null = null;
  return {
    ...trialHost(),
    tokens: { get: (mint) => (token ??= mint()), drop: () => (token = null) },
  };
}

/** For a credential under test: nothing else uses it yet, so there is no token and no budget to share. */
export function trialHost(): ConnectionHost {
  return {
    budget: {
      acquire: async ({ signal }) => signal.throwIfAborted(),
      observe: () => undefined,
      ended: () => undefined,
      pause: () => undefined,
      reading: () => null,
    },
    tokens: { get: (mint) => mint(), drop: () => undefined },
    slots: new InProcessCallSlots(1),
  };
}
