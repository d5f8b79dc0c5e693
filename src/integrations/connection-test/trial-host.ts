import type { ConnectionHost } from '../provider/integration-provider';

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
  };
}
