import type { CallContext, GroupWrite } from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { ApiCall, PagerDutyClient } from './api/client';

// PagerDuty docs: ids are short strings of letters and digits. No id is this long, so a write to it changes
// nothing.
const MISSING_TEAM_ID = 'PNOSUCHTEAMATALL';
const MISSING_USER_ID = 'PNOSUCHUSERATALL';

/**
 * A write that changes nothing. By the PagerDuty docs, nothing that a credential can read tells whether it may
 * write. PagerDuty refuses a credential without the right (403) before it looks anything up; to others it answers
 * that the team or user does not exist (404).
 *
 * @param teamId the team, for a write to its members
 */
export function harmlessWrite(write: GroupWrite, teamId: string | null): ApiCall {
  const ofMembers = ['teams', teamId ?? MISSING_TEAM_ID, 'users', MISSING_USER_ID];
  switch (write) {
    case 'add':
      return { operation: 'add_member', method: 'PUT', path: ofMembers };
    // A creation names nothing that could be missing. But a credential that may not write may not create either.
    case 'create':
    case 'remove':
      return { operation: 'remove_member', method: 'DELETE', path: ofMembers };
    case 'update': {
      const body = { team: { type: 'team', name: MISSING_TEAM_ID } };
      return { operation: 'update_team', method: 'PUT', path: ['teams', MISSING_TEAM_ID], body };
    }
    case 'delete':
      return { operation: 'delete_team', method: 'DELETE', path: ['teams', MISSING_TEAM_ID] };
  }
}

/** @returns null when PagerDuty did not tell */
export async function mayWrite(
  client: PagerDutyClient,
  write: GroupWrite,
  teamId: string | null,
  context: CallContext,
): Promise<boolean | null> {
  try {
    await client.send(harmlessWrite(write, teamId), context);
    return null;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'permission') return false;
    return error.kind === 'not-found' && write !== 'create' ? true : null;
  }
}
