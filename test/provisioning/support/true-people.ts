import type { ModelGroup, ModelIdp, ModelUser } from './model-idp';
import type { PeopleWorld } from './people-world';

interface TruePerson {
  user: ModelUser;
  /** Accounts by which they may be known: any that had their address since all was well last. */
  accounts: Set<string>;
  /** Any that ever had it. */
  everyAccount: Set<string>;
  /** When the IdP gave them up; null while they are active. */
  leftAt: number | null;
}

/**
 * Who in PagerDuty the people of the IdP really are, by the ids of their accounts: whoever has their address. Nothing that
 * Scimify says counts here.
 */
export class TruePeople {
  /** By the IdP's id; those who were deleted are among them. */
  private readonly people = new Map<string, TruePerson>();
  /** By group, deleted ones included, everybody who was wanted in it since all was well last, and ever. */
  private readonly wanted = new Map<string, { lately: Set<string>; ever: Set<string> }>();
  /** By group, who was wanted in it when something changed last. */
  private readonly last = new Map<string, ReadonlySet<string>>();
  /** By group, everybody who was taken out of it since all was well last, whether or not they came back. */
  private readonly takenOut = new Map<string, Set<string>>();

  constructor(
    private readonly idp: ModelIdp,
    private readonly world: PeopleWorld,
  ) {}

  /** To be called after every change. */
  remember(): void {
    for (const user of this.idp.users.values()) {
      const known = this.people.get(user.id);
      const person = known ?? { accounts: new Set(), everyAccount: new Set(), leftAt: null, user };
      person.user = user;
      this.people.set(user.id, person);
      const account = this.accountOf(user);
      if (account !== undefined) {
        person.accounts.add(account);
        person.everyAccount.add(account);
      }
    }
    for (const person of this.people.values()) {
      const isHere = person.user.active && this.idp.users.get(person.user.key)?.id === person.user.id;
      if (isHere) person.leftAt = null;
      else person.leftAt ??= Date.now();
    }
    for (const group of this.idp.groups) {
      this.noteTakenOut(group);
      const wanted = this.wanted.get(group.id) ?? { lately: new Set(), ever: new Set() };
      this.wanted.set(group.id, wanted);
      for (const { id } of this.idp.wantedIn(group)) {
        wanted.lately.add(id);
        wanted.ever.add(id);
      }
    }
  }

  private noteTakenOut(group: ModelGroup): void {
    const now = new Set(this.idp.wantedIn(group).map(({ id }) => id));
    const takenOut = this.takenOut.get(group.id) ?? new Set();
    for (const id of this.last.get(group.id) ?? []) if (!now.has(id)) takenOut.add(id);
    this.takenOut.set(group.id, takenOut);
    this.last.set(group.id, now);
  }

  /** Accounts that have had to leave the team of the group since all was well last, for whatever reason. */
  lostBy(groupId: string): string[] {
    const group = this.idp.groups.find(({ id }) => id === groupId);
    const current = new Set(
      (group ? this.idp.wantedIn(group) : []).flatMap((user) => this.accountOf(user) ?? []),
    );
    const takenOut = this.takenOut.get(groupId) ?? new Set();
    return [...(this.wanted.get(groupId)?.ever ?? [])].flatMap((id) => {
      const { accounts, leftAt } = this.people.get(id)!;
      const isOut = takenOut.has(id) || leftAt !== null;
      return [...accounts].filter((account) => isOut || !current.has(account));
    });
  }

  /** All is well: from now on nobody may be taken for whom they were. */
  allIsWell(): void {
    for (const { user, accounts } of this.people.values()) {
      const account = this.accountOf(user);
      if (account === undefined) continue;
      accounts.clear();
      accounts.add(account);
    }
    for (const { lately } of this.wanted.values()) lately.clear();
    this.takenOut.clear();
    this.remember();
  }

  /** Who the user is; undefined where nobody has their address. */
  accountOf({ address }: ModelUser): string | undefined {
    return this.world.accountOf(address);
  }

  /** By whom they may be taken for: the one who they are, else those who they were. */
  accountsOf(user: ModelUser): ReadonlySet<string> {
    const account = this.accountOf(user);
    return account === undefined ? this.people.get(user.id)!.accounts : new Set([account]);
  }

  /** Accounts that may be those of people who are wanted in the group, as far as Scimify can know without a look. */
  possiblyWantedIn(group: ModelGroup): Set<string>[] {
    return this.idp.wantedIn(group).map(({ id }) => this.people.get(id)!.accounts);
  }

  /** Accounts of people who were wanted in one of these groups since all was well last. */
  latelyWantedIn(groupIds: Iterable<string>): Set<string> {
    return this.accountsAmong(groupIds, 'lately', 'accounts');
  }

  everWantedIn(groupIds: Iterable<string>): Set<string> {
    return this.accountsAmong(groupIds, 'ever', 'everyAccount');
  }

  private accountsAmong(
    groupIds: Iterable<string>,
    which: 'lately' | 'ever',
    whom: 'accounts' | 'everyAccount',
  ): Set<string> {
    const userIds = [...groupIds].flatMap((id) => [...(this.wanted.get(id)?.[which] ?? [])]);
    return new Set(userIds.flatMap((id) => [...this.people.get(id)![whom]]));
  }

  allGroupIds(): Iterable<string> {
    return this.wanted.keys();
  }

  /** When the last of the people who were ever this account left the IdP; null while one of them has not, or nobody was. */
  leftAt(account: string): number | null {
    const people = [...this.people.values()].filter(({ everyAccount }) => everyAccount.has(account));
    if (people.some(({ leftAt }) => leftAt === null)) return null;
    return people.length > 0 ? Math.max(...people.map(({ leftAt }) => leftAt!)) : null;
  }

  /** Whether the account has been one person all the time, and that person this account. */
  isBeyondDoubt(account: string): boolean {
    const [person, ...others] = [...this.people.values()].filter((one) => one.everyAccount.has(account));
    return person !== undefined && others.length === 0 && person.everyAccount.size === 1;
  }
}
