/** The directory finds people by this attribute: RFC 7643 §4.3. */
export const EMPLOYEE_NUMBER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber';

export interface DirectoryGroup {
  readonly id: string;
  name: string;
  description: string;
  readonly memberIds: Set<string>;
  /** Person id → role, for people that have one. */
  readonly roles: Map<string, string>;
}

/**
 * People and groups in memory. A test changes them directly, without the rules that apply to the product.
 */
export class Directory {
  /** Person id → address. */
  readonly people = new Map<string, string>();
  /** Person id → number, for people that have one. */
  readonly numbers = new Map<string, string>();
  readonly groups = new Map<string, DirectoryGroup>();
  /** Changes by the product, in order. */
  readonly changes: string[] = [];
  /** True: the directory does not respond. */
  away = false;
  /** After how many milliseconds it says that it is back. */
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

  /** Group name → sorted addresses. */
  members(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.groups.values()].map(({ name, memberIds }) => [
        name,
        [...memberIds].map((id) => this.people.get(id) ?? id).sort(),
      ]),
    );
  }
}
