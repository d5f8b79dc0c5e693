/** What the house knows people by: RFC 7643 §4.3. */
export const EMPLOYEE_NUMBER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber';

export interface DirectoryGroup {
  readonly id: string;
  name: string;
  description: string;
  readonly memberIds: Set<string>;
  /** By person, of those who were given one. */
  readonly roles: Map<string, string>;
}

/**
 * People and groups of a house, in memory. A test holds it in its hand: what it does here is done by hand, past every rule
 * that holds for programs.
 */
export class Directory {
  /** Addresses by id. */
  readonly people = new Map<string, string>();
  /** Numbers of those who have one, by id. */
  readonly numbers = new Map<string, string>();
  readonly groups = new Map<string, DirectoryGroup>();
  /** What programs changed, in their order. */
  readonly changes: string[] = [];
  /** Nobody answers. */
  away = false;
  /** When it says that it is back, in milliseconds. */
  awayForMs: number | undefined;
  private made = 0;

  constructor(readonly password = 'correct horse battery staple') {}

  addPerson(email: string, number?: string): string {
    const id = `uid=${++this.made},ou=people`;
    this.people.set(id, email);
    if (number !== undefined) this.numbers.set(id, number);
    return id;
  }

  removePerson(id: string): void {
    this.people.delete(id);
    for (const { memberIds } of this.groups.values()) memberIds.delete(id);
  }

  addGroup(name: string, memberIds: Iterable<string> = [], description = ''): DirectoryGroup {
    const group = {
      id: `gid=${++this.made},ou=groups`,
      name,
      description,
      memberIds: new Set(memberIds),
      roles: new Map<string, string>(),
    };
    this.groups.set(group.id, group);
    return group;
  }

  group(name: string): DirectoryGroup | undefined {
    return [...this.groups.values()].find((group) => group.name === name);
  }

  person(email: string): string | undefined {
    return [...this.people].find(([, address]) => address === email)?.[0];
  }

  /** Sorted addresses by name of the group. */
  members(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.groups.values()].map(({ name, memberIds }) => [
        name,
        [...memberIds].map((id) => this.people.get(id) ?? id).sort(),
      ]),
    );
  }
}
