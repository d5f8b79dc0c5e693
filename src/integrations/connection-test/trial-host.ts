import { InProcessCallSlots } from '../connections/call-slots';
import type { AccessToken, ConnectionHost } from '../provider/integration-provider';

/** With one token for all calls. */
export function trialHostWithToken(): ConnectionHost {
  let token: Promise<AccessToken> | null = null;
  return {
    ...trialHost(),
    tokens: { get: (mint) => (token ??= mint()), drop: () => (token = null) },
  };
}

/**
 * For a credential that is only tried: nothing else uses it yet, so there is neither a token nor a budget to share with
 * anybody.
 */
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
