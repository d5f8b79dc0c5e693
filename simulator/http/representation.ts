import type { Account } from '../state/account';
import type { Region, TeamRecord, TeamRole, UserRecord } from '../state/records';

const API_HOST: Record<Region, string> = { us: 'api.pagerduty.com', eu: 'api.eu.pagerduty.com' };
const WEB_DOMAIN: Record<Region, string> = { us: 'pagerduty.com', eu: 'eu.pagerduty.com' };

/** PagerDuty's own addresses, not the simulator's: a client must not depend on `self`. */
function links(account: Account, path: string) {
  return {
    self: `https://${API_HOST[account.region]}${path}`,
    html_url: `https://${account.subdomain}.${WEB_DOMAIN[account.region]}${path}`,
  };
}

export function teamBody(account: Account, team: TeamRecord) {
  const { name, description } = account.lag.fields(team);
  return {
    id: team.id,
    name,
    description,
    type: 'team',
    summary: name,
    ...links(account, `/teams/${team.id}`),
    default_role: team.defaultRole,
    parent: null,
  };
}

function teamReference(account: Account, team: TeamRecord) {
  return {
    id: team.id,
    type: 'team_reference',
    summary: account.lag.fields(team).name,
    ...links(account, `/teams/${team.id}`),
  };
}

function contactMethod(account: Account, user: UserRecord, expanded: boolean) {
  const path = `/users/${user.id}/contact_methods/${user.contactMethodId}`;
  const reference = {
    id: user.contactMethodId,
    type: 'email_contact_method_reference',
    summary: 'Default',
    self: `https://${API_HOST[account.region]}${path}`,
    html_url: null,
  };
  return expanded
    ? { ...reference, type: 'email_contact_method', label: 'Default', address: user.email }
    : reference;
}

/** All fields recorded from the live API. `teams` is always included, even if not requested. */
export function userBody(account: Account, user: UserRecord, include: ReadonlySet<string>) {
  const teams: unknown[] = [];
  for (const teamId of account.lag.teamIdsOf(user.id, user.teamIds)) {
    const team = account.teams.get(teamId);
    if (team) teams.push(include.has('teams') ? teamBody(account, team) : teamReference(account, team));
  }
  return {
    id: user.id,
    type: 'user',
    name: user.name,
    email: user.email,
    role: user.role,
    job_title: user.jobTitle,
    description: user.description,
    time_zone: user.timeZone,
    color: 'purple',
    avatar_url: 'https://pd-static-assets.pagerduty.com/users/blank-avatar.png',
    billed: user.billed,
    invitation_sent: user.invitationSent,
    created_via_sso: user.createdViaSso,
    locale: 'en-US',
    teams,
    contact_methods: [contactMethod(account, user, include.has('contact_methods'))],
    notification_rules: [],
    coordinated_incidents: [],
    summary: user.name,
    ...links(account, `/users/${user.id}`),
  };
}

/** Without `include[]=users`, a member is a reference without e-mail address. */
export function memberBody(account: Account, user: UserRecord, role: TeamRole, expanded: boolean) {
  return {
    user: expanded
      ? userBody(account, user, new Set())
      : {
          id: user.id,
          type: 'user_reference',
          summary: user.name,
          ...links(account, `/users/${user.id}`),
        },
    role,
  };
}
