import type { ScimClient } from '../../support/scim-client';
import { expectList, type Resource } from '../support/expectations';
import { fullUser, newName } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE, SEARCH_REQUEST } from '../support/urns';

describe('RFC 7644 §3.4.2.5, §3.9 and §3.10, attributes and excludedAttributes', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;
  let ada: Resource;
  let team: Resource;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    const { body } = await scim.post('/Users', fullUser());
    const groupId = await scim.createGroup('Team', [body.id, await scim.createUser(newName())]);
    ada = (await scim.get(`/Users/${body.id}`)).body as Resource;
    team = (await scim.get(`/Groups/${groupId}`)).body as Resource;
  });

  const pick = (resource: Resource, ...names: string[]): Resource =>
    Object.fromEntries(['schemas', 'id', ...names].map((name) => [name, resource[name]]));
  const omit = (resource: Resource, ...names: string[]): Resource =>
    Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));

  /** GET, a list, a search and PATCH return the same projection. */
  async function everywhere(query: Record<string, string>, expected: Resource): Promise<void> {
    const text = new URLSearchParams(query).toString();
    expect((await scim.get(`/Users/${ada.id}?${text}`)).body).toEqual(expected);
    const filter = `id eq "${ada.id}"`;
    const listed = await scim.get(`/Users?${text}&filter=${encodeURIComponent(filter)}`);
    expect(expectList(listed, 1)).toEqual([expected]);
    const lists = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value.split(',')]));
    const searched = await scim.post('/Users/.search', { schemas: [SEARCH_REQUEST], filter, ...lists });
    expect(expectList(searched, 1)).toEqual([expected]);
    const patched = await scim.patchOperations(`/Users/${ada.id}?${text}`, {
      op: 'replace',
      path: 'title',
      value: ada.title,
    });
    expect({ status: patched.status, body: patched.body }).toEqual({ status: 200, body: expected });
  }

  it.each<[string, (ada: Resource) => Resource]>([
    ['userName', (of) => pick(of, 'userName')],
    ['USERNAME,DisplayName', (of) => pick(of, 'userName', 'displayName')],
    ['id', (of) => pick(of)],
    ['name', (of) => pick(of, 'name')],
    ['name.givenName', (of) => ({ ...pick(of), name: { givenName: of.name.givenName } })],
    ['emails.value', (of) => ({ ...pick(of), emails: of.emails.map(({ value }: Resource) => ({ value })) })],
    ['emails.display', (of) => ({ ...pick(of), emails: [{ display: of.emails[1].display }] })],
    [`${CORE_USER}:userName`, (of) => pick(of, 'userName')],
    [`${CORE_USER}:name.familyName`, (of) => ({ ...pick(of), name: { familyName: of.name.familyName } })],
    [ENTERPRISE, (of) => pick(of, ENTERPRISE)],
    [
      `${ENTERPRISE}:department`,
      (of) => ({ ...pick(of), [ENTERPRISE]: { department: of[ENTERPRISE].department } }),
    ],
    [
      `${ENTERPRISE.toUpperCase()}:MANAGER.value`,
      (of) => ({ ...pick(of), [ENTERPRISE]: { manager: { value: of[ENTERPRISE].manager.value } } }),
    ],
    ['groups', (of) => pick(of, 'groups')],
    ['groups.display', (of) => ({ ...pick(of), groups: [{ display: 'Team' }] })],
    ['meta', (of) => pick(of, 'meta')],
    ['meta.location,active', (of) => ({ ...pick(of, 'active'), meta: { location: of.meta.location } })],
    ['externalId', (of) => pick(of, 'externalId')],
    ['nonsense', (of) => pick(of)],
    ['password', (of) => pick(of)],
    ['password,userName', (of) => pick(of, 'userName')],
  ])('attributes=%s: those, and what is always returned', async (attributes, expected) => {
    await everywhere({ attributes }, expected(ada));
  });

  it.each<[string, (ada: Resource) => Resource]>([
    ['emails', (of) => omit(of, 'emails')],
    ['groups,META', (of) => omit(of, 'groups', 'meta')],
    ['id,schemas', (of) => of],
    ['userName', (of) => omit(of, 'userName')],
    ['name.formatted', (of) => ({ ...of, name: omit(of.name as Resource, 'formatted') })],
    [ENTERPRISE, (of) => omit(of, ENTERPRISE)],
    [`${ENTERPRISE}:manager`, (of) => ({ ...of, [ENTERPRISE]: omit(of[ENTERPRISE] as Resource, 'manager') })],
    [`${CORE_USER}:emails`, (of) => omit(of, 'emails')],
    ['nonsense', (of) => of],
    ['password', (of) => of],
  ])('excludedAttributes=%s: everything else', async (excludedAttributes, expected) => {
    await everywhere({ excludedAttributes }, expected(ada));
  });

  it('empty lists are as good as none', async () => {
    expect((await scim.get(`/Users/${ada.id}?attributes=`)).body).toEqual(ada);
    expect((await scim.get(`/Users/${ada.id}?attributes=%20,&excludedAttributes=,`)).body).toEqual(ada);
  });

  it('spaces after commas and repeated parameters are borne', async () => {
    const expected = pick(ada, 'userName', 'active');
    expect((await scim.get(`/Users/${ada.id}?attributes=userName,%20active`)).body).toEqual(expected);
    expect((await scim.get(`/Users/${ada.id}?attributes=userName&attributes=active`)).body).toEqual(expected);
  });

  it.each<[string, (team: Resource) => Resource]>([
    ['attributes=displayName', (of) => pick(of, 'displayName')],
    ['attributes=members', (of) => pick(of, 'members')],
    [
      'attributes=members.value',
      (of) => ({ ...pick(of), members: of.members.map(({ value }: Resource) => ({ value })) }),
    ],
    [`attributes=${CORE_GROUP}:displayName`, (of) => pick(of, 'displayName')],
    ['excludedAttributes=members', (of) => omit(of, 'members')],
    ['excludedAttributes=MEMBERS,meta', (of) => omit(of, 'members', 'meta')],
    [
      'excludedAttributes=members.display',
      (of) => ({ ...of, members: of.members.map((member: Resource) => omit(member, 'display')) }),
    ],
    ['attributes=id', (of) => pick(of)],
  ])('of a group: %s', async (query, expected) => {
    expect((await scim.get(`/Groups/${team.id}?${query}`)).body).toEqual(expected(team));
    expect(expectList(await scim.get(`/Groups?${query}`), 1)).toEqual([expected(team)]);
    const put = await scim.put(`/Groups/${team.id}?${query}`, { schemas: [CORE_GROUP], displayName: 'Team' });
    expect(put.body).toEqual(expected(team));
  });
});
