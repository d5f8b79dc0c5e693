import { TEAM_EXISTS } from '../plan/new-group';

/** Example of a user without a remote user. */
export const UNKNOWN_PERSON = {
  reason: 'user_not_found',
  message:
    'No PagerDuty user has the login address ada@example.com. Create the PagerDuty user, correct the address, or set a remote link.',
};

/** Example of a blocked group. */
export const BLOCKED_GROUP = {
  reason: TEAM_EXISTS,
  message:
    'A team named "Platform on-call" exists already and this integration does not adopt teams. Rename one of them, or let the integration adopt existing teams.',
};

export const REFUSAL_DETAIL = '"displayName" is required; send a value for it.';
