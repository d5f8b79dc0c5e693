import type { MemberOutcome, ProviderConnection } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';

/** What the writes of one run say about what the credential may do. */
export interface Permissions {
  /** The last refusal of one; it may be that object's own. */
  denied: ProviderError | null;
  /** The target let at least one through. */
  granted: boolean;
}

/** The same connection, with each write noted. */
export function watchWrites(connection: ProviderConnection, noted: Permissions): ProviderConnection {
  const note = (error: unknown): void => {
    if (error instanceof ProviderError && error.kind === 'permission') noted.denied = error;
  };
  const watch = async <T>(write: Promise<T>): Promise<T> => {
    try {
      const result = await write;
      noted.granted = true;
      return result;
    } catch (error) {
      note(error);
      throw error;
    }
  };
  async function* changeMembers(
    ...change: Parameters<ProviderConnection['changeMembers']>
  ): AsyncGenerator<MemberOutcome> {
    for await (const outcome of connection.changeMembers(...change)) {
      if (outcome.applied) noted.granted = true;
      else note(outcome.error);
      yield outcome;
    }
  }
  const writes: Partial<ProviderConnection> = {
    createGroup: (...group) => watch(connection.createGroup(...group)),
    updateGroup: (...change) => watch(connection.updateGroup(...change)),
    deleteGroup: (...group) => watch(connection.deleteGroup(...group)),
    changeMembers,
  };
  return Object.assign(Object.create(connection) as ProviderConnection, writes);
}
