import type { CallContext, ProviderConnection } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';

/** So many teams in a row that cannot be asked for speak of an outage. */
const FAILURES_THAT_STOP = 3;

export interface ConfirmedMissing {
  gone: ReadonlySet<string>;
  /** Why nothing is concluded of the others. */
  failures: readonly ProviderError[];
}

/**
 * Which of the teams that a list lacks are gone indeed: each is asked for by its id. A list read page by page may lack one
 * that is there and agree with every count: one team is deleted, another one made, and a third has slipped to a page that was
 * read before. Taken for deleted it would be adopted as somebody else's, and nobody would ever leave it again.
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
    message: 'The list of all teams lacked one that is there: the list changed while it was read.',
    remedy: 'Nothing needs to be done: it is tried again by itself.',
  });
}
