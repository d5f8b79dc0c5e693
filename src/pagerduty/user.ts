import type { CallContext } from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { PagerDutyClient } from './api/client';
import { unreadableAnswer } from './api/failures';
import { parseUser, type User } from './api/types';

/**
 * One user by id; null when PagerDuty has no such user.
 *
 * @throws ProviderError
 */
export async function userOf(
  client: PagerDutyClient,
  id: string,
  context: CallContext,
): Promise<User | null> {
  try {
    const { status, body } = await client.send(
      { operation: 'get_user', method: 'GET', path: ['users', id] },
      context,
    );
    const user = parseUser((body as { user?: unknown } | null)?.user);
    if (user === null) throw unreadableAnswer('get_user', status);
    return user;
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null;
    throw error;
  }
}
