import { FAILURES, type FailureReason, type Operation } from '../../src/pagerduty/api/failures';

/** Reason of a failure → what an admin does about it. */
export const FAILURE_REMEDIES = Object.fromEntries(
  Object.entries(FAILURES).map(([reason, { remedy }]) => [reason, remedy]),
) as Record<FailureReason, string>;

export const json = (value: unknown): string => JSON.stringify(value);
export const error = (message: string, code?: number | string, errors?: unknown): string =>
  json({ error: { message, code, errors } });

const INVALID = 'Invalid Input Provided';
const TEAMS_ABILITY = json({
  error: {
    message: 'Required abilities are unavailable',
    code: 2014,
    errors: ['The teams account ability is required to access teams'],
    missing_abilities: 'teams',
  },
});
export const SCOPES = json({
  error: {
    message: 'Token missing required scopes',
    required_scopes: 'teams.write',
    token_scopes: 'openid teams.read',
  },
});
const OFFSET_NEW =
  'Offset+limit exceeds maximum allowed value of 10000. Please try to refine your search to reduce the returned set of records below this number, like adding a date range.';
const ON_POLICY = 'User cannot be removed as they belong to an escalation policy on this team';
const IN_USE =
  'Cannot delete team with existing associations; associations could be Escalation Policies, Services, Schedules or Subteams';

/** PagerDuty's response to a failed call, and its expected classification. */
export type FailedAnswerRow = [
  operation: Operation,
  status: number,
  body: string,
  kind: string,
  reason: string,
  outcome?: 'unknown',
];

/** All known error bodies (from PagerDuty's docs and its clients' reports), each for one call that can get it. */
export const FAILED_ANSWERS: FailedAnswerRow[] = [
  ['list_teams', 429, error('Rate Limit Exceeded', 2020), 'rate-limited', 'rate_limited'],
  ['add_member', 429, '<html>429 Too Many Requests</html>', 'rate-limited', 'rate_limited'],
  ['get_token', 429, '', 'rate-limited', 'rate_limited'],

  ['create_team', 500, error('Internal', 2000), 'unavailable', 'server_error', 'unknown'],
  ['add_member', 502, '<html>bad gateway</html>', 'unavailable', 'server_error', 'unknown'],
  ['list_users', 503, '', 'unavailable', 'server_error'],
  ['get_token', 503, '', 'unavailable', 'server_error'],
  ['remove_member', 408, error('Timed out', 2016), 'unavailable', 'server_timeout', 'unknown'],
  ['list_users', 408, '', 'unavailable', 'server_timeout'],
  [
    'add_member',
    400,
    error(INVALID, 2001, [
      'License error: Unable to perform request at this time. account could not be locked',
    ]),
    'unavailable',
    'account_locked_briefly',
  ],
  ['update_team', 400, error('Request Failed to Complete', 6007), 'unavailable', 'server_error', 'unknown'],
  ['list_teams', 302, '', 'unavailable', 'unexpected_answer'],
  ['list_teams', 404, '<html>', 'unavailable', 'unexpected_answer'],
  ['create_team', 404, error('Not Found', 2100), 'unavailable', 'unexpected_answer', 'unknown'],

  ['list_teams', 401, '', 'credentials', 'unauthorized'],
  ['list_teams', 401, 'HTTP Token: Access denied.\n', 'credentials', 'unauthorized'],
  ['list_teams', 400, error('Authentication Failed', 2006), 'credentials', 'unauthorized'],
  ['list_teams', 400, error('Account Not Found', 2007), 'credentials', 'account_not_found'],
  ['list_teams', 403, error('Account Locked', 2008), 'credentials', 'account_locked'],
  ['list_teams', 403, error('Account Expired', 2012), 'credentials', 'account_expired'],
  ['get_token', 401, json({ error: 'invalid_client' }), 'credentials', 'oauth_client_refused'],
  ['get_token', 400, json({ error: 'invalid_client' }), 'credentials', 'oauth_client_refused'],
  [
    'get_token',
    400,
    json({ error: 'invalid_request', error_description: 'Invalid scope' }),
    'credentials',
    'oauth_scope_refused',
  ],
  ['get_token', 400, '', 'credentials', 'oauth_refused'],
  ['get_token', 403, '<html>', 'credentials', 'oauth_refused'],

  ['list_teams', 402, TEAMS_ABILITY, 'permission', 'teams_ability_missing'],
  ['list_teams', 402, error('Required abilities are unavailable'), 'permission', 'teams_ability_missing'],
  ['list_teams', 402, '', 'permission', 'plan_too_small'],
  ['add_member', 403, SCOPES, 'permission', 'scopes_missing'],
  ['add_member', 403, error('Access Denied', 2010), 'permission', 'access_denied'],
  ['add_member', 403, '<html>forbidden</html>', 'permission', 'access_denied'],
  ['add_member', 400, error('Access Denied', '2010'), 'permission', 'access_denied'],

  ['get_team', 404, error('Not Found', 2100), 'not-found', 'team_gone'],
  ['list_members', 404, '', 'not-found', 'team_gone'],
  ['delete_team', 404, error('Team Not Found', 6001), 'not-found', 'team_gone'],
  ['add_member', 400, error('Team Not Found', 6001), 'not-found', 'team_gone'],
  ['get_user', 404, error('Not Found', 2100), 'not-found', 'user_gone'],
  ['add_member', 400, error('User Not Found', 2013), 'not-found', 'user_gone'],
  ['add_member', 404, error('Not Found', 2100), 'not-found', 'team_or_user_gone'],
  ['remove_member', 404, '', 'not-found', 'team_or_user_gone'],

  ['create_team', 400, error(INVALID, 2001, ['Name has already been taken']), 'conflict', 'name_taken'],
  ['update_team', 400, error('Team Name has already been taken'), 'conflict', 'name_taken'],
  ['update_team', 400, error(INVALID, 2001, 'Name HAS ALREADY BEEN TAKEN'), 'conflict', 'name_taken'],
  ['create_team', 400, error(INVALID, 2001, { name: ['has already been taken'] }), 'conflict', 'name_taken'],
  ['update_team', 409, '', 'conflict', 'conflict'],

  [
    'create_team',
    400,
    error(INVALID, 2001, ['Name is too long (maximum is 100 characters)']),
    'rejected',
    'name_too_long',
  ],
  ['create_team', 400, error('Product Limit Reached', 2019), 'rejected', 'team_limit_reached'],
  ['add_member', 400, error('Product Limit Reached', 2019), 'rejected', 'team_full'],
  [
    'add_member',
    400,
    error(INVALID, 2001, ['Team exceeds the maximum of 500 users']),
    'rejected',
    'team_full',
  ],
  [
    'add_member',
    400,
    error('Product Limit Reached', 2019, ['Team has reached the maximum number of users']),
    'rejected',
    'team_full',
  ],
  [
    'add_member',
    400,
    error('Product Limit Reached', 2019, ['User has reached the maximum number of teams']),
    'rejected',
    'user_in_too_many_teams',
  ],
  [
    'add_member',
    400,
    error(INVALID, 2001, ['User cannot be on more than 400 teams']),
    'rejected',
    'user_in_too_many_teams',
  ],
  [
    'delete_team',
    400,
    error('Team has existing associations', 6006, [
      'Cannot delete team with existing Schedules association(s)',
    ]),
    'rejected',
    'team_in_use',
  ],
  ['delete_team', 400, error(INVALID, 2001, [IN_USE]), 'rejected', 'team_in_use'],
  ['delete_team', 400, error('Too many incidents', 6004), 'rejected', 'team_has_incidents'],
  ['remove_member', 400, error(INVALID, 2001, [ON_POLICY]), 'rejected', 'member_on_escalation_policy'],
  ['add_member', 400, error(INVALID, 2001, ['User is a stakeholder']), 'rejected', 'user_is_stakeholder'],
  ['add_member', 400, error(INVALID, 2001, ['Role responder is not allowed']), 'rejected', 'role_refused'],
  ['add_member', 400, error(INVALID, 2001), 'rejected', 'request_refused'],
  ['add_member', 400, 'no JSON at all', 'rejected', 'request_refused'],
  ['update_team', 422, json({ error: ['a', 'b'] }), 'rejected', 'request_refused'],
  ['list_users', 400, error('Arguments Caused Error', 2002, [OFFSET_NEW]), 'rejected', 'list_too_long'],
  ['list_users', 400, error(INVALID, 2001, ['Offset must be less than 10000']), 'rejected', 'list_too_long'],
  ['list_users', 400, error(INVALID, 2001, ['Team ids must be a Array.']), 'rejected', 'request_refused'],
];
