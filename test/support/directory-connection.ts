import type {
  AccountSnapshot,
  AddressesShown,
  CallContext,
  ConnectionHost,
  DiagnosisCheck,
  GroupSpec,
  IntegrationProvider,
  MemberOutcome,
  MemberSpec,
  ProviderConnection,
  RemoteAccount,
  ProviderGroup,
  ProviderMember,
  ProviderUser,
  SnapshotGroup,
  UserIdentity,
  UserMatch,
} from '../../src/integrations/provider/integration-provider';
import {
  GROUP_FULL,
  GROUP_GONE,
  ProviderError,
  type ProviderErrorKind,
  USER_GONE,
} from '../../src/integrations/provider/provider-error';
import { type Directory, type DirectoryGroup, EMPLOYEE_NUMBER } from './directory';

const OF_ONE_MEMBER: ReadonlySet<string> = new Set([USER_GONE, GROUP_FULL]);

/** A connection to one `Directory` in memory. */
export class DirectoryConnection implements ProviderConnection {
  constructor(
    private readonly provider: Pick<IntegrationProvider, 'groupNameKey' | 'limits'>,
    private readonly known: RemoteAccount,
    private readonly open: () => Directory,
    private readonly host: ConnectionHost,
  ) {}

  account(context: CallContext): Promise<RemoteAccount> {
    return this.call(context, () => this.known);
  }

  resolveUsers(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>> {
    return this.call(context, (directory) => {
      shown?.(foundByAddress(directory));
      return new Map(identities.map((identity) => [identity.key, matchOf(directory, identity)]));
    });
  }

  getUser(remoteUserId: string, context: CallContext): Promise<ProviderUser | null> {
    return this.call(context, (directory) =>
      directory.people.has(remoteUserId)
        ? { address: foundByAddress(directory).get(remoteUserId) ?? null }
        : null,
    );
  }

  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, ProviderGroup>> {
    const keys = new Set(names.map((name) => this.provider.groupNameKey(name)));
    return this.call(context, ({ groups }) => {
      const named = [...groups.values()].map(
        (group) => [this.provider.groupNameKey(group.name), remote(group)] as const,
      );
      return new Map(named.filter(([key]) => keys.has(key)));
    });
  }

  getGroup(id: string, context: CallContext): Promise<ProviderGroup | null> {
    return this.call(context, ({ groups }) => (groups.has(id) ? remote(groups.get(id)!) : null));
  }

  createGroup({ name, description }: GroupSpec, context: CallContext): Promise<ProviderGroup> {
    return this.call(context, (directory) => {
      this.assertNameFree(directory, name);
      directory.changes.push(`create ${name}`);
      return remote(directory.addGroup(name, [], description));
    });
  }

  updateGroup(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void> {
    return this.call(context, (directory) => {
      const group = groupIn(directory, id);
      if (change.name !== undefined) this.assertNameFree(directory, change.name, id);
      directory.changes.push(`change ${group.name}`);
      Object.assign(group, change);
    });
  }

  deleteGroup(id: string, context: CallContext): Promise<void> {
    return this.call(context, (directory) => {
      directory.changes.push(`delete ${groupIn(directory, id).name}`);
      directory.groups.delete(id);
    });
  }

  async *changeMembers(
    groupId: string,
    { add, remove }: { add: Iterable<MemberSpec>; remove: Iterable<string> },
    context: CallContext,
  ): AsyncGenerator<MemberOutcome> {
    for (const { remoteUserId, role = null } of add) {
      try {
        await this.call(context, (directory) => this.join(directory, groupId, remoteUserId, role));
        yield { remoteUserId, change: 'add', applied: true, role };
      } catch (error) {
        if (!(error instanceof ProviderError) || !OF_ONE_MEMBER.has(error.reason)) throw error;
        yield { remoteUserId, change: 'add', applied: false, error };
      }
    }
    for (const remoteUserId of remove) {
      await this.call(context, (directory) => {
        const { memberIds, roles } = groupIn(directory, groupId);
        memberIds.delete(remoteUserId);
        roles.delete(remoteUserId);
        directory.changes.push(`remove ${remoteUserId}`);
      });
      yield { remoteUserId, change: 'remove', applied: true, role: null };
    }
  }

  /** The password allows every write, so there is nothing to check. */
  mayWrite(): Promise<null> {
    return Promise.resolve(null);
  }

  listMembers(groupId: string, context: CallContext): Promise<ProviderMember[]> {
    return this.call(context, (directory) => {
      const { memberIds, roles } = groupIn(directory, groupId);
      return [...memberIds].map((remoteUserId) => ({ remoteUserId, role: roles.get(remoteUserId) ?? null }));
    });
  }

  snapshot(
    groupIds: ReadonlySet<string>,
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<AccountSnapshot> {
    return this.call(context, (directory) => {
      const { groups, people } = directory;
      shown?.(foundByAddress(directory));
      return {
        groups: new Map([...groupIds].map((id) => [id, seen(groups.get(id))])),
        hidden: new Set<string>(),
        unknownUserIds: new Set<string>(),
        users: new Map(people),
        complete: { groups: true, members: true },
        failures: [],
      };
    });
  }

  async *diagnose(context: CallContext): AsyncGenerator<DiagnosisCheck> {
    const check = { id: 'password', title: 'The server accepts the password' };
    try {
      const account = await this.account(context);
      yield { ...check, status: 'passed', message: `This is ${account.name}.`, remedy: null, account };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const { message, remedy, reason, isTransient: transient } = error;
      yield { ...check, status: 'failed', message, remedy, reason, transient };
    }
  }

  private async call<T>(context: CallContext, answer: (directory: Directory) => T): Promise<T> {
    await this.host.budget.acquire(context);
    try {
      return await this.host.slots.use(context, async () => {
        context.assertMaySend();
        return answer(this.open());
      });
    } finally {
      this.host.budget.ended(context);
    }
  }

  private assertNameFree({ groups }: Directory, name: string, exceptId?: string): void {
    const key = this.provider.groupNameKey(name);
    const others = [...groups.values()].filter(({ id }) => id !== exceptId);
    if (others.some((other) => this.provider.groupNameKey(other.name) === key)) {
      throw refusal('conflict', 'name_taken', `There is a group "${name}" already.`);
    }
  }

  private join(directory: Directory, groupId: string, personId: string, role: string | null): void {
    const { memberIds, roles } = groupIn(directory, groupId);
    if (!directory.people.has(personId)) throw refusal('not-found', USER_GONE, 'The person is not there.');
    if (!memberIds.has(personId) && memberIds.size >= this.provider.limits.membersPerGroup) {
      throw refusal('rejected', GROUP_FULL, 'The group is full.');
    }
    directory.changes.push(`add ${personId}`);
    memberIds.add(personId);
    if (role !== null) roles.set(personId, role);
  }
}

function groupIn({ groups }: Directory, id: string): DirectoryGroup {
  const group = groups.get(id);
  if (!group) throw refusal('not-found', GROUP_GONE, 'The group is not there.');
  return group;
}

function remote({ id, name, description }: DirectoryGroup): ProviderGroup {
  return { id, name, description, url: null };
}

function seen(group: DirectoryGroup | undefined): SnapshotGroup | null {
  return group ? { name: group.name, memberIds: new Set(group.memberIds), membersComplete: true } : null;
}

/** People without a number. A person with a number is only found by the number, never by the address. */
function foundByAddress({ people, numbers }: Directory): Map<string, string> {
  return new Map([...people].filter(([id]) => !numbers.has(id)));
}

function matchOf({ people, numbers }: Directory, { email, userName, attributes }: UserIdentity): UserMatch {
  const numbered = [...numbers].find(([, number]) => number === attributes[EMPLOYEE_NUMBER]);
  if (numbered) return { kind: 'resolved', remoteUserId: numbered[0] };
  const wanted = (email ?? userName).toLowerCase();
  const [found, ...more] = [...people].filter(([, address]) => address.toLowerCase() === wanted);
  if (!found) return { kind: 'not-found', message: 'No person in the directory has this address.' };
  if (more.length > 0) return { kind: 'ambiguous', message: 'Several people have this address.' };
  return { kind: 'resolved', remoteUserId: found[0] };
}

/** An error that says that the call had no effect. */
export function refusal(
  kind: ProviderErrorKind,
  reason: string,
  message: string,
  retryAfterMs?: number,
): ProviderError {
  const remedy = 'Ask its keeper.';
  return new ProviderError({ kind, outcome: 'not-applied', reason, message, remedy, retryAfterMs });
}
