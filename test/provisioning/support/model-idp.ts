export interface ModelUser {
  key: number;
  id: string;
  active: boolean;
  address: string;
  /** All addresses since the user was created. They show whether a link is old or wrong. */
  addresses: Set<string>;
}

export interface ModelGroup {
  id: string;
  name: string;
  /** Keys of users. */
  members: Set<number>;
}

/** A simple second implementation of what the IdP wants. */
export class ModelIdp {
  readonly users = new Map<number, ModelUser>();
  readonly groups: ModelGroup[] = [];
  /** Group id (also of deleted groups) → all addresses of all users that were ever wanted in it. */
  private readonly wanted = new Map<string, Set<string>>();

  membersOf(group: ModelGroup): ModelUser[] {
    return [...group.members].map((key) => this.users.get(key)!);
  }

  wantedIn(group: ModelGroup): ModelUser[] {
    return this.membersOf(group).filter(({ active }) => active);
  }

  everWantedIn(groupIds: Iterable<string>): Set<string> {
    return new Set([...groupIds].flatMap((id) => [...(this.wanted.get(id) ?? [])]));
  }

  allGroupIds(): Iterable<string> {
    return this.wanted.keys();
  }

  deleteGroup(group: ModelGroup): void {
    this.groups.splice(this.groups.indexOf(group), 1);
  }

  deleteUser({ key }: ModelUser): void {
    this.leaveAll(key);
    this.users.delete(key);
  }

  leaveAll(key: number): void {
    for (const { members } of this.groups) members.delete(key);
  }

  /** Call it after every change. */
  remember(): void {
    for (const user of this.users.values()) user.addresses.add(user.address);
    for (const group of this.groups) {
      const wanted = this.wanted.get(group.id) ?? new Set();
      this.wanted.set(group.id, wanted);
      for (const { addresses } of this.wantedIn(group)) for (const address of addresses) wanted.add(address);
    }
  }
}
