import { HttpClient } from './http';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** An IdP that sends requests as Okta does. */
export class ScimClient extends HttpClient {
  constructor(baseUrl: string, key: string) {
    super(baseUrl, { Authorization: `Bearer ${key}`, Accept: 'application/scim+json' });
  }

  protected override contentType() {
    return { 'Content-Type': 'application/scim+json; charset=utf-8' };
  }

  /** @returns the new user's id */
  async createUser(email: string, more: object = {}): Promise<string> {
    const [givenName, familyName = 'Doe'] = email.split('@', 1)[0]!.split('.');
    const answer = await this.post('/Users', {
      schemas: [USER_SCHEMA],
      userName: email,
      name: { givenName, familyName },
      emails: [{ primary: true, value: email, type: 'work' }],
      displayName: `${givenName} ${familyName}`,
      externalId: `00u-${email}`,
      groups: [],
      password: 'random0rReal',
      active: true,
      ...more,
    });
    return created(answer);
  }

  /** @returns the new users' ids, in the order of the addresses */
  async createUsers(emails: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    const left = emails.entries();
    // Not all in parallel, like an IdP: each open request needs a connection.
    const senders = Array.from({ length: 50 }, async () => {
      for (const [index, email] of left) ids[index] = await this.createUser(email);
    });
    await Promise.all(senders);
    return ids;
  }

  /** @returns the new group's id */
  async createGroup(displayName: string, members: readonly string[] = []): Promise<string> {
    return created(
      await this.post('/Groups', {
        schemas: [GROUP_SCHEMA],
        displayName,
        members: members.map((value) => ({ value })),
      }),
    );
  }

  patchOperations(path: string, ...operations: object[]) {
    return this.patch(path, { schemas: [PATCH_SCHEMA], Operations: operations });
  }

  addMembers(groupId: string, ...userIds: string[]) {
    const value = userIds.map((id) => ({ value: id, display: null }));
    return this.patchOperations(`/Groups/${groupId}`, { op: 'add', path: 'members', value });
  }

  removeMembers(groupId: string, ...userIds: string[]) {
    return this.patchOperations(
      `/Groups/${groupId}`,
      ...userIds.map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` })),
    );
  }

  renameGroup(groupId: string, displayName: string) {
    return this.patchOperations(`/Groups/${groupId}`, { op: 'replace', value: { id: groupId, displayName } });
  }

  setActive(userId: string, active: boolean) {
    return this.patchOperations(`/Users/${userId}`, { op: 'replace', value: { active } });
  }
}

function created({ status, body }: { status: number; body: { id: string } }): string {
  if (status !== 201) throw new Error(`Expected 201, got ${status}: ${JSON.stringify(body)}`);
  return body.id;
}
