import type { ModelGroup, ModelIdp, ModelUser } from './model-idp';
import type { PeopleWorld } from './people-world';

interface TruePerson {
  user: ModelUser;
  /** Accounts that Scimify may link to the person: all that had the person's address since the last `allIsWell`. */
  accounts: Set<string>;
  /** All accounts that ever had the person's address. */
  everyAccount: Set<string>;
  /** When the IdP deactivated or deleted the person; null while active. */
  leftAt: number | null;
}

/**
 * The real PagerDuty accounts of the IdP's people: the accounts with their addresses. It uses nothing that Scimify says.
 */
export class TruePeople {
  /** User id (also of deleted users) → person. */
  private readonly people = new Map<string, TruePerson>();
  /** Group id (also of deleted groups) → user ids wanted in it since the last `allIsWell`, and ever. */
  private readonly wanted = new Map<string, { lately: Set<string>; ever: Set<string> }>();
  /** Group id → user ids wanted in it after the last change. */
  private readonly last = new Map<string, ReadonlySet<string>>();
  /** Group id → user ids removed from it since the last `allIsWell`, even if they were added again. */
  private readonly takenOut = new Map<string, Set<string>>();

  constructor(
    private readonly idp: ModelIdp,
    private readonly world: PeopleWorld,
  ) {}

  /** Call it after every change. */
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

  /** Accounts that had to leave the group's team since the last `allIsWell`, for any reason. */
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

  /** Everything is in its final state: from now on, links to former accounts are wrong. */
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

  /** The user's account; undefined if no account has the address. */
  accountOf({ address }: ModelUser): string | undefined {
    return this.world.accountOf(address);
  }

  /** Accounts that a link to the user may have: the current one, else the former ones. */
  accountsOf(user: ModelUser): ReadonlySet<string> {
    const account = this.accountOf(user);
    return account === undefined ? this.people.get(user.id)!.accounts : new Set([account]);
  }

  /** For each wanted user, the accounts that Scimify may link without reading PagerDuty again. */
  possiblyWantedIn(group: ModelGroup): Set<string>[] {
    return this.idp.wantedIn(group).map(({ id }) => this.people.get(id)!.accounts);
  }

  /** Accounts of people that were wanted in one of these groups since the last `allIsWell`. */
  latelyWantedIn(groupIds: Iterable<string>): Set<string> {
    return this.accountsAmong(groupIds, 'lately', 'accounts');
  }

  everWantedIn(groupIds: Iterable<string>): Set<string> {
    return this.accountsAmong(groupIds, 'ever', 'everyAccount');
  }

  private accountsAmong(
    groupIds: Iterable<string>,
    which: 'lately' | 'ever',
    accountSet: 'accounts' | 'everyAccount',
  ): Set<string> {
    const userIds = [...groupIds].flatMap((id) => [...(this.wanted.get(id)?.[which] ?? [])]);
    return new Set(userIds.flatMap((id) => [...this.people.get(id)![accountSet]]));
  }

  allGroupIds(): Iterable<string> {
    return this.wanted.keys();
  }

  /** When the last person that ever had this account left the IdP; null if one is still active, or none ever had it. */
  leftAt(account: string): number | null {
    const people = [...this.people.values()].filter(({ everyAccount }) => everyAccount.has(account));
    if (people.some(({ leftAt }) => leftAt === null)) return null;
    return people.length > 0 ? Math.max(...people.map(({ leftAt }) => leftAt!)) : null;
  }

  /** Whether the account always belonged to one person, and that person always had this account. */
  isBeyondDoubt(account: string): boolean {
    const [person, ...others] = [...this.people.values()].filter((one) => one.everyAccount.has(account));
    return person !== undefined && others.length === 0 && person.everyAccount.size === 1;
  }
}
