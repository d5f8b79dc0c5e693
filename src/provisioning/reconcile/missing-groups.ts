import type { CallContext, ProviderConnection } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';

/** This many failed requests in a row mean an outage. */
const FAILURES_THAT_STOP = 3;

export interface ConfirmedMissing {
  gone: ReadonlySet<string>;
  /** Why the state of the other remote groups is unknown. */
  failures: readonly ProviderError[];
}

/**
 * Which of the remote groups missing in a list really no longer exist: requests each by its id. A paged list may
 * miss an existing group and still match every count: while it is read, one group is deleted, another is created,
 * and a third moves to a page that was already read. If such a group were taken for deleted, the engine would
 * adopt it later as a foreign group, and would never remove its members again.
 *
 * @throws ProviderError that concerns the whole account
 */
export async function confirmMissing(
  connection: ProviderConnection,
  remoteIds: readonly string[],
  call: CallContext,
): Promise<ConfirmedMissing> {
  const gone = new Set<string>();
  const failures: ProviderError[] = [];
  let failedInARow = 0;
  for (const id of remoteIds) {
    try {
      if ((await connection.getGroup(id, call)) === null) gone.add(id);
      else failures.push(slippedFromTheList());
      failedInARow = 0;
    } catch (error) {
      if (!(error instanceof ProviderError) || error.accountWide) throw error;
      failures.push(error);
      failedInARow += 1;
      if (failedInARow >= FAILURES_THAT_STOP) break;
    }
  }
  return { gone, failures };
}

function slippedFromTheList(): ProviderError {
  return new ProviderError({
    kind: 'unavailable',
    outcome: 'not-applied',
    reason: 'list_changed',
    message: 'The list of all teams missed an existing team: the list changed while it was read.',
    remedy: 'Nothing needs to be done. Scimify tries again.',
  });
}
