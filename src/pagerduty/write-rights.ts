import type { CallContext, GroupWrite } from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { ApiCall, PagerDutyClient } from './api/client';

// PagerDuty docs: ids are short strings of letters and digits. No id is that long, so nothing is ever changed by it.
const NO_TEAM = 'PNOSUCHTEAMATALL';
const NO_USER = 'PNOSUCHUSERATALL';

/**
 * A write that changes nothing. PagerDuty docs do not tell by anything a credential reads whether it may write. Whoever may not
 * is refused (403) before anything is looked up; whoever may is told that there is no such team or user (404).
 *
 * @param teamId of a team to whose members something is to be done
 */
export function writeToNothing(write: GroupWrite, teamId: string | null): ApiCall {
  const ofMembers = ['teams', teamId ?? NO_TEAM, 'users', NO_USER];
  switch (write) {
    case 'add':
      return { operation: 'add_member', method: 'PUT', path: ofMembers };
    // A creation names nothing that could be missing: only that no write at all is let through tells of it, too.
    case 'create':
    case 'remove':
      return { operation: 'remove_member', method: 'DELETE', path: ofMembers };
    case 'update': {
      const body = { team: { type: 'team', name: NO_TEAM } };
      return { operation: 'update_team', method: 'PUT', path: ['teams', NO_TEAM], body };
    }
    case 'delete':
      return { operation: 'delete_team', method: 'DELETE', path: ['teams', NO_TEAM] };
  }
}

/** @returns null where PagerDuty did not tell */
export async function mayWrite(
  client: PagerDutyClient,
  write: GroupWrite,
  teamId: string | null,
  context: CallContext,
): Promise<boolean | null> {
  try {
    await client.send(writeToNothing(write, teamId), context);
    return null;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'permission') return false;
    return error.kind === 'not-found' && write !== 'create' ? true : null;
  }
}
