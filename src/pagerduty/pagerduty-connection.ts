import type {
  AccountSnapshot,
  AddressesShown,
  CallContext,
  DiagnosisCheck,
  GroupSpec,
  GroupWrite,
  MemberOutcome,
  MemberSpec,
  ProviderConnection,
  RemoteAccount,
  ProviderGroup,
  ProviderMember,
  ProviderUser,
  UserIdentity,
  UserMatch,
} from '../integrations/provider/integration-provider';
import { accountShownBy } from './account-identity';
import type { PagerDutyClient } from './api/client';
import type { Diagnosis } from './diagnosis';
import type { KnownUsers } from './known-users';
import { Snapshots } from './snapshot';
import { TeamMembers } from './team-members';
import { Teams } from './teams';
import { userOf } from './user';
import { UserMatching, emailKey } from './user-matching';
import { mayWrite } from './write-rights';

/** One PagerDuty account: a group is a team, a member is a member of that team. */
export class PagerDutyConnection implements ProviderConnection {
  private readonly users: UserMatching;
  private readonly teams: Teams;
  private readonly members: TeamMembers;
  private readonly snapshots: Snapshots;

  constructor(
    private readonly client: PagerDutyClient,
    private readonly diagnosis: Diagnosis,
    known: KnownUsers,
  ) {
    this.users = new UserMatching(client, known);
    this.teams = new Teams(client);
    this.members = new TeamMembers(client, this.teams, (userId) => known.forget(userId));
    this.snapshots = new Snapshots(client, this.teams, this.members, (addresses) =>
      known.forgetChanged(addresses),
    );
  }

  async account(context: CallContext): Promise<RemoteAccount | null> {
    // Every account has a user, its owner; a new one has no team yet.
    return (
      (await accountShownBy(this.client, 'teams', context)) ??
      (await accountShownBy(this.client, 'users', context))
    );
  }

  resolveUsers(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>> {
    return this.users.resolve(identities, context, shown);
  }

  async getUser(remoteUserId: string, context: CallContext): Promise<ProviderUser | null> {
    const user = await userOf(this.client, remoteUserId, context);
    return user && { address: user.email === null ? null : emailKey(user.email) };
  }

  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, ProviderGroup>> {
    return this.teams.find(names, context);
  }

  getGroup(id: string, context: CallContext): Promise<ProviderGroup | null> {
    return this.teams.get(id, context);
  }

  createGroup(group: GroupSpec, context: CallContext): Promise<ProviderGroup> {
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
    change: { add: Iterable<MemberSpec>; remove: Iterable<string> },
    context: CallContext,
  ): AsyncIterable<MemberOutcome> {
    return this.members.change(groupId, change, context);
  }

  mayWrite(write: GroupWrite, groupId: string | null, context: CallContext): Promise<boolean | null> {
    return mayWrite(this.client, write, groupId, context);
  }

  listMembers(groupId: string, context: CallContext): Promise<ProviderMember[]> {
    return this.members.list(groupId, context);
  }

  snapshot(
    groupIds: ReadonlySet<string>,
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<AccountSnapshot> {
    return this.snapshots.take(groupIds, context, shown);
  }

  diagnose(context: CallContext): AsyncIterable<DiagnosisCheck> {
    return this.diagnosis.run(context);
  }
}
