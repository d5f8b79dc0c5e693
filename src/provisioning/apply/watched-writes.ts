import type {
  CallContext,
  GroupWrite,
  MemberOutcome,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import type { WriteRights } from './write-rights';

/**
 * Wraps the connection. It notes what each write tells about the rights of the credential, and does not send a
 * write that is known to be refused. If member writes of a group are known to be refused, the remaining users of a
 * change are not tried, and the refusal is thrown.
 */
export function watchWrites(connection: ProviderConnection, rights: WriteRights): ProviderConnection {
  const watch = async <T>(
    write: GroupWrite,
    groupId: string | null,
    call: CallContext,
    send: () => Promise<T>,
  ): Promise<T> => {
    rights.assertMayTry(write, groupId);
    try {
      const result = await send();
      rights.granted(write);
      return result;
    } catch (error) {
      if (isDenial(error)) await rights.refused(write, groupId, 0, error, call);
      throw error;
    }
  };
  async function* changeMembers(
    ...[groupId, change, call]: Parameters<ProviderConnection['changeMembers']>
  ): AsyncGenerator<MemberOutcome> {
    function* permitted<T>(write: 'add' | 'remove', people: Iterable<T>): Generator<T> {
      for (const person of people) {
        rights.assertMayTry(write, groupId);
        yield person;
      }
    }
    const tried = { add: permitted('add', change.add), remove: permitted('remove', change.remove) };
    let refusedInARow = 0;
    for await (const outcome of connection.changeMembers(groupId, tried, call)) {
      const isRefused = !outcome.applied && isDenial(outcome.error);
      refusedInARow = isRefused ? refusedInARow + 1 : 0;
      if (outcome.applied) rights.granted(outcome.change);
      yield outcome;
      // When the generator resumes, the consumer has recorded this outcome.
      if (!outcome.applied && isDenial(outcome.error)) {
        await rights.refused(outcome.change, groupId, refusedInARow, outcome.error, call);
      }
    }
  }
  const writes: Partial<ProviderConnection> = {
    createGroup: (group, call) => watch('create', null, call, () => connection.createGroup(group, call)),
    updateGroup: (id, change, call) =>
      watch('update', id, call, () => connection.updateGroup(id, change, call)),
    deleteGroup: (id, call) => watch('delete', id, call, () => connection.deleteGroup(id, call)),
    changeMembers,
  };
  return Object.assign(Object.create(connection) as ProviderConnection, writes);
}

/** A refusal that does not already name the credential as the cause. */
export function isDenial(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.kind === 'permission' && error.isOfOneObject;
}
