import { type Person, fullName } from './cast';
import { requestJson } from './http';
import type { Narrator } from './narrator';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path?: string;
  readonly value?: unknown;
}

/**
 * Sends the same requests as an Okta catalogue app with SCIM provisioning and group push. It searches before it creates.
 * It sends `password` and `groups: []` with every user, and the group's name before every change of members.
 */
export class OktaSession {
  private readonly userIds = new Map<Person, string>();
  private readonly groups = new Map<string, { id: string; name: string }>();

  constructor(
    private readonly baseUrl: string,
    private readonly scimKey: string,
    private readonly narrator: Narrator,
  ) {}

  /** Okta's "Test Connector Configuration". */
  async testConnection(): Promise<void> {
    await this.send('GET', '/Users?startIndex=1&count=2', 200);
  }

  async assign(person: Person): Promise<void> {
    const { userName, givenName, familyName, oktaId } = person;
    await this.assertNotFound(`/Users?${lookUp('userName', userName)}`);
    const created = await this.send(
      'POST',
      '/Users',
      201,
      {
        schemas: [USER],
        userName,
        name: { givenName, familyName },
        emails: [{ primary: true, value: userName, type: 'work' }],
        displayName: fullName(person),
        locale: 'en-US',
        externalId: oktaId,
        groups: [],
        password: 'random0rReal',
        active: true,
      },
      fullName(person),
    );
    this.userIds.set(person, idOf(created));
  }

  async deactivate(person: Person): Promise<void> {
    await this.patch(
      `/Users/${this.idOfUser(person)}`,
      [{ op: 'replace', value: { active: false } }],
      `active: false (${fullName(person)})`,
    );
  }

  async pushGroup(name: string, members: readonly Person[]): Promise<void> {
    await this.assertNotFound(`/Groups?${lookUp('displayName', name)}`);
    const body = { schemas: [GROUP], displayName: name, members: [] };
    const id = idOf(await this.send('POST', '/Groups', 201, body, name));
    this.groups.set(name, { id, name });
    await this.sendName(name);
    await this.changeMembers(name, { add: members });
  }

  async addMembers(group: string, people: readonly Person[]): Promise<void> {
    await this.repeatName(group);
    await this.changeMembers(group, { add: people });
  }

  async removeMembers(group: string, people: readonly Person[]): Promise<void> {
    await this.repeatName(group);
    await this.changeMembers(group, { remove: people });
  }

  async rename(group: string, name: string): Promise<void> {
    const { id } = this.group(group);
    this.groups.delete(group);
    this.groups.set(name, { id, name });
    await this.sendName(name);
  }

  /** Okta also sends its value for the read-only `id`. */
  private async sendName(group: string): Promise<void> {
    const { id, name } = this.group(group);
    await this.patch(
      `/Groups/${id}`,
      [{ op: 'replace', value: { id, displayName: name } }],
      `displayName: ${name}`,
    );
  }

  private async repeatName(group: string): Promise<void> {
    await this.narrator.fold(() => this.sendName(group));
  }

  private async changeMembers(
    group: string,
    { add = [], remove = [] }: { add?: readonly Person[]; remove?: readonly Person[] },
  ): Promise<void> {
    const value = add.map((person) => ({ value: this.idOfUser(person), display: person.userName }));
    const operations: PatchOperation[] = [
      ...remove.map((person) => ({
        op: 'remove' as const,
        path: `members[value eq "${this.idOfUser(person)}"]`,
      })),
      ...(value.length > 0 ? [{ op: 'add' as const, path: 'members', value }] : []),
    ];
    const names = [
      ...remove.map(({ givenName }) => `- ${givenName}`),
      ...add.map(({ givenName }) => `+ ${givenName}`),
    ];
    await this.patch(`/Groups/${this.group(group).id}`, operations, names.join(', '));
  }

  private async assertNotFound(path: string): Promise<void> {
    const found = (await this.send('GET', path, 200, undefined, 'does not exist yet')) as {
      totalResults?: unknown;
    };
    if (found.totalResults !== 0) throw new Error(`Okta found ${JSON.stringify(found)} before it created it`);
  }

  private async patch(path: string, Operations: readonly PatchOperation[], note: string): Promise<void> {
    await this.send('PATCH', path, [200, 204], { schemas: [PATCH_OP], Operations }, note);
  }

  private async send(
    method: string,
    path: string,
    expect: number | readonly number[],
    body?: object,
    note?: string,
  ): Promise<unknown> {
    const answer = await requestJson(method, this.baseUrl + path, {
      headers: {
        authorization: `Bearer ${this.scimKey}`,
        accept: 'application/scim+json',
        'accept-charset': 'utf-8',
        'user-agent': 'Okta SCIM Client 1.0.0',
        ...(body ? { 'content-type': 'application/scim+json; charset=utf-8' } : {}),
      },
      ...(body ? { body } : {}),
      expect,
    });
    this.narrator.request(method, decodeURIComponent(path), answer.status, note);
    return answer.body;
  }

  private idOfUser(person: Person): string {
    const id = this.userIds.get(person);
    if (id === undefined) throw new Error(`${person.userName} is not assigned yet`);
    return id;
  }

  private group(name: string): { id: string; name: string } {
    const group = this.groups.get(name);
    if (!group) throw new Error(`${name} is not pushed yet`);
    return group;
  }
}

function lookUp(attribute: string, value: string): string {
  return `filter=${encodeURIComponent(`${attribute} eq "${value}"`)}&startIndex=1&count=100`;
}

function idOf(resource: unknown): string {
  const { id } = resource as { id?: unknown };
  if (typeof id !== 'string' || id === '') throw new Error(`No id in ${JSON.stringify(resource)}`);
  return id;
}
