import type {
  CallContext,
  GroupSpec,
  MemberOutcome,
  MemberSpec,
  ProviderConnection,
  RemoteAccount,
  RemoteGroup,
  RemoteMember,
  UserIdentity,
  UserMatch,
} from '../integrations/provider/integration-provider';
import type { PagerDutyClient } from './api/client';
import { unreadableAnswer } from './api/error-classification';
import { parsePage, parseTeam, parseUser } from './api/types';
import { TeamMembers } from './team-members';
import { Teams } from './teams';
import { UserMatching } from './user-matching';

/** One PagerDuty account: a group is a team, a member is a member of that team. */
export class PagerDutyConnection implements ProviderConnection {
  private readonly users: UserMatching;
  private readonly teams: Teams;
  private readonly members: TeamMembers;

  constructor(private readonly client: PagerDutyClient) {
    this.users = new UserMatching(client);
    this.teams = new Teams(client);
    this.members = new TeamMembers(client, this.teams, (userId) => this.users.forget(userId));
  }

  async account(context: CallContext): Promise<RemoteAccount | null> {
    // Every account has a user, its owner; a new one has no team yet.
    return (await this.accountShownBy('teams', context)) ?? (await this.accountShownBy('users', context));
  }

  resolveUsers(identities: readonly UserIdentity[], context: CallContext): Promise<Map<string, UserMatch>> {
    return this.users.resolve(identities, context);
  }

  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, RemoteGroup>> {
    return this.teams.find(names, context);
  }

  getGroup(id: string, context: CallContext): Promise<RemoteGroup | null> {
    return this.teams.get(id, context);
  }

  createGroup(group: GroupSpec, context: CallContext): Promise<RemoteGroup> {
    return this.teams.create(group, context);
  }

  updateGroup(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void> {
    return this.teams.update(id, change, context);
  }

  deleteGroup(id: string, context: CallContext): Promise<void> {
    return this.teams.delete(id, context);
  }

  changeMembers(
    groupId: string,
    change: { add: readonly MemberSpec[]; remove: readonly string[] },
    context: CallContext,
  ): AsyncIterable<MemberOutcome> {
    return this.members.change(groupId, change, context);
  }

  listMembers(groupId: string, context: CallContext): Promise<RemoteMember[]> {
    return this.members.list(groupId, context);
  }

  private async accountShownBy(
    collection: 'teams' | 'users',
    context: CallContext,
  ): Promise<RemoteAccount | null> {
    const operation = collection === 'teams' ? 'list_teams' : 'list_users';
    const answer = await this.client.send(
      { operation, method: 'GET', path: [collection], query: { limit: '1' } },
      context,
    );
    const parseRow = collection === 'teams' ? parseTeam : parseUser;
    const page = parsePage<{ htmlUrl: string | null }>(answer.body, collection, parseRow, {
      offset: 0,
      limit: 1,
    });
    if (page === null) throw unreadableAnswer(operation, answer.status);
    for (const row of page.rows) {
      const account = row.htmlUrl === null ? null : accountOfUrl(row.htmlUrl);
      if (account !== null) return account;
    }
    return null;
  }
}

/** `https://acme.pagerduty.com/teams/PQ9K7I8` and, in the EU service region, `https://acme.eu.pagerduty.com/…`. */
export function accountOfUrl(htmlUrl: string): RemoteAccount | null {
  let host: string;
  try {
    host = new URL(htmlUrl).hostname;
  } catch {
    return null;
  }
  const match = /^([a-z0-9-]+)(\.eu)?\.pagerduty\.com$/.exec(host);
  const subdomain = match?.[1];
  if (subdomain === undefined) return null;
  const region = match?.[2] === undefined ? 'us' : 'eu';
  return { identity: `pagerduty:${region}:${subdomain}`, name: subdomain, url: `https://${host}` };
}
