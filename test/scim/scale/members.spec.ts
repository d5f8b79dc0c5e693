import { sendExactly } from '../support/exact-request';
import { expectList, expectScimError } from '../support/expectations';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP } from '../support/urns';
import type { TestIntegration } from '../../support/scimify';
import type { Answer } from '../../support/http';
import { fillWithUsers } from './support/directory';
import { StatementLog } from './support/statement-log';

const MEMBERS = 100_000;
const MIB = 1024 * 1024;

describe('a group of a hundred thousand members', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let users: string[];
  let outsider: string;
  let group: string;
  let log: StatementLog;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    users = await fillWithUsers(server.scimify, integration, MEMBERS + 1);
    outsider = users.pop()!;
    const answer = await integration.scim.post('/Groups?excludedAttributes=members', groupOf(users));
    expect(answer.status).toBe(201);
    group = answer.body.id;
    log = StatementLog.attach(server.scimify.app);
  }, 120_000);

  /** As Okta sends it, with a name for each member: far beyond the limit of other bodies. */
  const groupOf = (members: readonly string[] | undefined, displayName = 'Everybody'): string => {
    const body = JSON.stringify({
      schemas: [CORE_GROUP],
      displayName,
      members: members?.map((value, n) => ({ value, display: `user.${n}@example.com` })),
    });
    if (members !== undefined) expect(body.length).toBeGreaterThan(6 * MIB);
    return body;
  };

  const members = async (): Promise<string[]> => {
    const answer = await integration.scim.get(`/Groups/${group}`);
    expect(answer.status).toBe(200);
    return answer.body.members.map(({ value }: { value: string }) => value);
  };

  const attributes = async (): Promise<Answer> => {
    return integration.scim.get(`/Groups/${group}?excludedAttributes=members`);
  };

  /** No statement of the request may read or contain more than a handful of rows. */
  const expectBounded = async (action: () => Promise<Answer>, status: number): Promise<Answer> => {
    const { result, statements } = await log.during(action);
    expect(result.status).toBe(status);
    expect(statements.length).toBeGreaterThan(0);
    expect(statements.length).toBeLessThan(20);
    expect(statements.filter(({ parameters }) => parameters.length > 20)).toEqual([]);
    expect(await log.dearerThan(10, statements)).toEqual([]);
    return result;
  };

  it('was sent as a whole, and is streamed as a whole', async () => {
    expect(await members()).toEqual(users);
  });

  it('takes in one more by a handful of rows, and the same one again by none', async () => {
    await expectBounded(() => integration.scim.addMembers(group, outsider), 204);
    const { body: after } = await attributes();
    await expectBounded(() => integration.scim.addMembers(group, outsider), 204);
    expect((await attributes()).body).toEqual(after);
  });

  it('tells whether somebody is in it by a handful of rows', async () => {
    const filter = encodeURIComponent(`id eq "${group}" and members eq "${outsider}"`);
    const path = `/Groups?attributes=id&filter=${filter}`;
    expectList(await expectBounded(() => integration.scim.get(path), 200), 1);
  });

  it.each([
    ['a path with a filter', (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` })],
    [
      'a list of values',
      (id: string) => ({ op: 'Remove', path: 'members', value: [{ $ref: null, value: id }] }),
    ],
  ])('lets one go by a handful of rows, named by %s', async (_, removal) => {
    await integration.scim.addMembers(group, outsider);
    const remove = () => integration.scim.patchOperations(`/Groups/${group}`, removal(outsider));
    await expectBounded(remove, 204);
    const { body: after } = await attributes();
    await expectBounded(remove, 204);
    expect((await attributes()).body).toEqual(after);
  });

  it('is read without its members, and renamed, by a handful of rows', async () => {
    await expectBounded(() => integration.scim.renameGroup(group, 'Everyone'), 204);
    const answer = await expectBounded(attributes, 200);
    expect(answer.body).toMatchObject({ id: group, displayName: 'Everyone' });
    expect(answer.body).not.toHaveProperty('members');
    expectList(await expectBounded(() => integration.scim.get('/Groups?excludedAttributes=members'), 200), 1);
  });

  it('loses exactly one by a PUT of everybody else', async () => {
    const [gone, ...others] = users;
    const { result, statements } = await log.during(() => {
      return integration.scim.put(`/Groups/${group}?excludedAttributes=members`, groupOf(others));
    });
    expect(result.status).toBe(200);
    const written = statements.filter(({ sql }) => /^\s*(INSERT INTO|DELETE FROM) group_member/.test(sql));
    expect(written).toMatchObject([{ sql: expect.stringMatching(/^\s*DELETE/), parameters: [group, gone] }]);
    expect(await members()).toEqual(others);
    await integration.scim.addMembers(group, gone!);
  });

  it.each([
    ['absent', undefined],
    ['null', null],
  ])('keeps everybody in a PUT where the members are %s', async (_, absent) => {
    const body = { schemas: [CORE_GROUP], displayName: 'All', members: absent };
    const answer = await expectBounded(
      () => integration.scim.put(`/Groups/${group}?excludedAttributes=members`, body),
      200,
    );
    expect(answer.body.displayName).toBe('All');
    expect(await members()).toEqual(users);
  });

  it('loses nobody to a PUT that names one person who is not there', async () => {
    const stranger = '01890000-0000-7000-8000-000000000000';
    const answer = await integration.scim.put(`/Groups/${group}`, groupOf([...users.slice(1), stranger]));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      scimType: 'invalidValue',
      detail: expect.stringContaining(stranger),
    });
    expect(await members()).toEqual(users);
  });

  it('takes a body of 32 MiB, and none beyond', async () => {
    const path = `/Groups/${group}?excludedAttributes=members`;
    expect((await integration.scim.put(path, groupOf(users, 'All').padEnd(32 * MIB, ' '))).status).toBe(200);
    // Refused because of its announced length, before it is sent.
    const answer = await sendExactly(server.scimify.url, {
      method: 'PUT',
      target: `/scim/v2/${integration.id}${path}`,
      headers: {
        Authorization: `Bearer ${integration.scimKey}`,
        'Content-Type': 'application/scim+json',
        'Content-Length': String(32 * MIB + 1),
      },
      body: '{',
    });
    expectScimError(answer, 413);
    expect((await attributes()).status).toBe(200);
  });
});
