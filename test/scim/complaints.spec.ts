import { setTimeout as pause } from 'node:timers/promises';
import { FOR_UPDATE } from '../../src/database/dialect';
import { TransactionRunner } from '../../src/database/transaction-runner';
import type { ScimClient } from '../support/scim-client';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';
import { sendExactly } from './support/exact-request';
import { expectList, expectScimError, memberIds } from './support/expectations';
import { group, newName, user } from './support/samples';
import { BULK_REQUEST, CORE_GROUP, LIST_RESPONSE, NOBODY, PATCH_OP } from './support/urns';

/** Complaints of users of other SCIM servers, one per test. */
describe('a complaint about other servers', () => {
  let scimify: Scimify;
  let scim: ScimClient;
  let integration: Awaited<ReturnType<Scimify['createIntegration']>>;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
    ({ scim } = integration);
  });

  afterAll(() => scimify.stop());

  const entries = (ids: string[]) => ids.map((value) => ({ value }));

  /** Many users, by bulk requests at the same time. */
  async function makeUsers(of: ScimClient, count: number): Promise<string[]> {
    const sizes = Array.from({ length: Math.ceil(count / 500) }, (_, n) => Math.min(500, count - n * 500));
    const made = await Promise.all(
      sizes.map(async (size) => {
        const Operations = Array.from({ length: size }, (_, n) => ({
          method: 'POST',
          path: '/Users',
          bulkId: String(n),
          data: user(),
        }));
        const { status, body } = await of.post('/Bulk', { schemas: [BULK_REQUEST], Operations });
        expect(status).toBe(200);
        return (body.Operations as { location: string }[]).map(({ location }) => location.split('/').at(-1)!);
      }),
    );
    return made.flat();
  }

  it('“a PATCH of a group silently deleted members”: additions at the same time lose nobody', async () => {
    const people = await scim.createUsers(Array.from({ length: 40 }, () => newName()));
    const groupId = await scim.createGroup('Parallel additions', people.slice(0, 10));
    const answers = await Promise.all(people.slice(10).map((id) => scim.addMembers(groupId, id)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([...people].sort());
  });

  it('“single-member PATCHes are sent at once and the last one wins”: additions and removals all take effect', async () => {
    const people = await scim.createUsers(Array.from({ length: 30 }, () => newName()));
    const [leave, stay, join] = [people.slice(0, 10), people.slice(10, 20), people.slice(20)];
    const groupId = await scim.createGroup('Last one wins', [...leave, ...stay]);
    await Promise.all([
      ...leave.map((id) => scim.removeMembers(groupId, id)),
      ...join.map((id) => scim.addMembers(groupId, id)),
    ]);
    expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([...stay, ...join].sort());
  });

  it('“a group made and filled quickly became two”: the second create is a conflict, and there is one group', async () => {
    const id = await scim.createUser(newName());
    const sent = group({ displayName: 'Made twice', members: [{ value: id }] });
    const answers = await Promise.all([
      scim.post('/Groups', sent),
      scim.post('/Groups', sent),
      scim.post('/Groups', sent),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expectList(await scim.get('/Groups?filter=displayName%20eq%20%22made%20twice%22'), 1);
  });

  it('“only 100 members were kept, and a PATCH removed the rest”: 10,000 stay, and one more or less is one', async () => {
    const people = await makeUsers(scim, 10_000);
    const made = await scim.post('/Groups', group({ displayName: 'Ten thousand', members: entries(people) }));
    expect(made.status).toBe(201);
    const path = `/Groups/${made.body.id}`;
    expect(memberIds(await scim.get(path))).toEqual([...people].sort());

    const extra = await scim.createUser(newName());
    expect((await scim.addMembers(made.body.id, extra)).status).toBe(204);
    expect((await scim.removeMembers(made.body.id, people[0]!)).status).toBe(204);
    expect(memberIds(await scim.get(path))).toEqual([...people.slice(1), extra].sort());

    const replace = { op: 'replace', path: 'members', value: entries(people) };
    expect((await scim.patchOperations(path, replace)).status).toBe(204);
    expect(memberIds(await scim.get(path))).toEqual([...people].sort());

    const put = await scim.put(
      path,
      group({ displayName: 'Ten thousand', members: entries(people.slice(5_000)) }),
    );
    expect(memberIds(put)).toEqual(people.slice(5_000).sort());
  }, 120_000);

  it('“GET of a group of 50,000 members is a 500”: without members it answers small, and with them whole', async () => {
    const { body } = await scim.get(
      '/Groups?filter=displayName%20eq%20%22Ten%20thousand%22&excludedAttributes=members',
    );
    const [big] = body.Resources;
    expect(big).not.toHaveProperty('members');
    expect(JSON.stringify(body).length).toBeLessThan(2_000);
    const whole = await scim.get(`/Groups/${big.id}`);
    expect(whole.body.members).toHaveLength(5_000);
    const headers = [...whole.headers].reduce((size, [name, value]) => size + name.length + value.length, 0);
    expect(headers).toBeLessThan(2_000);
  });

  it('“every PATCH loads and returns the whole group”: the answer is 204 without a body', async () => {
    const { body } = await scim.get(
      '/Groups?filter=displayName%20eq%20%22Ten%20thousand%22&excludedAttributes=members',
    );
    const answer = await scim.addMembers(body.Resources[0].id, await scim.createUser(newName()));
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 204, body: '' });
  });

  it('“the IdP times out on large pushes”: the answer does not wait for PagerDuty', async () => {
    const live = await scimify.createIntegration({ enable: true });
    scimify.pagerDuty.addUser({ email: 'prompt@example.com' });
    const id = await live.scim.createUser('prompt@example.com');
    const groupId = await live.scim.createGroup('Prompt', [id]);
    expect(memberIds(await live.scim.get(`/Groups/${groupId}`))).toEqual([id]);
    // The response to the write came before. PagerDuty follows.
    await waitFor(
      'the team',
      () => scimify.teams().Prompt ?? [],
      (members) => members.includes('prompt@example.com'),
    );
  });

  describe('“a PATCH that was not understood emptied the group”', () => {
    let groupId: string;
    let people: string[];

    beforeAll(async () => {
      people = (await scim.createUsers([newName(), newName()])).sort();
      groupId = await scim.createGroup('Not understood', people);
    });

    it.each<[what: string, operation: object]>([
      ['null', { op: 'replace', path: 'members', value: null }],
      ['a bare id', { op: 'replace', path: 'members', value: 'x' }],
      ['bare ids', { op: 'replace', path: 'members', value: ['x'] }],
      ['ids under another name', { op: 'replace', path: 'members', value: [{ id: 'x' }] }],
      ['an object of members', { op: 'replace', path: 'members', value: { members: [] } }],
      ['no value', { op: 'replace', path: 'members' }],
      ['a null without a path', { op: 'replace', value: { members: null } }],
      ['a path that is none', { op: 'remove', path: 'members[value eq x]' }],
      ['an unknown op', { op: 'set', path: 'members', value: [] }],
      ['a removal of something unreadable', { op: 'remove', path: 'members', value: 'x' }],
      ['a removal of null', { op: 'remove', path: 'members', value: null }],
      ['an unknown id', { op: 'replace', path: 'members', value: [{ value: NOBODY }] }],
    ])('%s is refused, and the members stay', async (_what, operation) => {
      const answer = await scim.patchOperations(`/Groups/${groupId}`, operation);
      expect(answer.status).toBe(400);
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual(people);
    });

    it.each([[null], ['x'], [[null]], [['x']], [{}]])(
      'PUT with the members %j keeps the members',
      async (members) => {
        const answer = await scim.put(
          `/Groups/${groupId}`,
          group({ displayName: 'Not understood', members }),
        );
        expect(answer.status).toBe(members === null ? 200 : 400);
        expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual(people);
      },
    );
  });

  it('“remove members with a value list cleared the group”: it removes those only', async () => {
    const [a, b] = await scim.createUsers([newName(), newName()]);
    const groupId = await scim.createGroup('Value list', [a!, b!]);
    const operation = { op: 'Remove', path: 'members', value: [{ $ref: null, value: a }] };
    expect((await scim.patchOperations(`/Groups/${groupId}`, operation)).status).toBe(204);
    expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([b]);
  });

  it('“memberships sent by POST and PUT were dropped”: they count as in PATCH', async () => {
    const [a, b] = (await scim.createUsers([newName(), newName()])) as [string, string];
    const { body } = await scim.post('/Groups', group({ members: [{ value: a, display: null }] }));
    expect(memberIds(await scim.get(`/Groups/${body.id}`))).toEqual([a]);
    await scim.put(
      `/Groups/${body.id}`,
      group({ displayName: body.displayName, members: [{ value: b, display: null }] }),
    );
    expect(memberIds(await scim.get(`/Groups/${body.id}`))).toEqual([b]);
  });

  it('“a member without a type was ignored with 200”: it is a user', async () => {
    const id = await scim.createUser(newName());
    const groupId = await scim.createGroup('Without type');
    await scim.patchOperations(`/Groups/${groupId}`, { op: 'add', path: 'members', value: [{ value: id }] });
    expect((await scim.get(`/Groups/${groupId}`)).body.members).toMatchObject([{ value: id, type: 'User' }]);
  });

  it('“a deactivated user who is posted again is 409 for ever”: it is revived with its id', async () => {
    const userName = newName();
    const id = await scim.createUser(userName);
    await scim.setActive(id, false);
    const again = await scim.post('/Users', user({ userName, externalId: `00u-${userName}` }));
    expect(again).toMatchObject({ status: 201, body: { id, active: true } });
    expectScimError(await scim.post('/Users', user({ userName })), 409, 'uniqueness');
  });

  it('“users were merged by e-mail, or doubled by the case of userName”: userName alone counts, without case', async () => {
    const emails = [{ value: 'shared@example.com', primary: true }];
    const first = await scim.post('/Users', user({ userName: 'Case.Test@example.com', emails }));
    expect(first.status).toBe(201);
    expect((await scim.post('/Users', user({ emails }))).status).toBe(201);
    expectScimError(
      await scim.post('/Users', user({ userName: 'case.test@EXAMPLE.com' })),
      409,
      'uniqueness',
    );
  });

  it('“a walk by startIndex loses users while others are deleted, and totalResults is wrong”: a cursor loses none', async () => {
    const other = await scimify.createIntegration({ enable: false });
    const people = await makeUsers(other.scim, 60);
    const seen = new Set<string>();
    const deleted = new Set<string>();
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const { body } = await other.scim.get(`/Users?count=7&cursor=${cursor}`);
      for (const { id } of body.Resources as { id: string }[]) seen.add(id);
      cursor = body.nextCursor as string | undefined;
      const victim = people.find((id) => seen.has(id) && !deleted.has(id))!;
      deleted.add(victim);
      await other.scim.delete(`/Users/${victim}`);
    }
    expect(people.filter((id) => !seen.has(id))).toEqual([]);
    expect((await other.scim.get('/Users?count=0')).body.totalResults).toBe(60 - deleted.size);
  });

  it('“the order of the pages changes between two requests”: it is that of creation, whatever was changed', async () => {
    const other = await scimify.createIntegration({ enable: false });
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) ids.push(await other.scim.createUser(newName()));
    await other.scim.setActive(ids[4]!, false);
    await other.scim.patchOperations(`/Users/${ids[7]}`, {
      op: 'replace',
      path: 'userName',
      value: newName('aaa'),
    });
    const listed = expectList(await other.scim.get('/Users'), 10).map(({ id }) => id as string);
    expect(listed).toEqual(ids);
  });

  it('“a failure of the server itself is never tried again”: a write that cannot get through is 429 with whole seconds', async () => {
    const id = await scim.createUser(newName());
    const groupId = await scim.createGroup('Busy');
    const before = (await scim.get(`/Groups/${groupId}`)).body;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let held: () => void = () => undefined;
    const isHeld = new Promise<void>((resolve) => (held = resolve));
    // Another writer holds the group (on MariaDB) or the whole database (on SQLite).
    const hold = scimify.app.get(TransactionRunner).run(async (tx) => {
      await tx.query(`SELECT id FROM scim_group WHERE id = ?${FOR_UPDATE}`, [groupId]);
      held();
      await released;
    });
    await isHeld;
    const writes = Promise.all([scim.addMembers(groupId, id), scim.delete(`/Groups/${groupId}`)]);
    try {
      // A write waits for five seconds; the IdP would wait for sixty.
      const answers = await Promise.race([writes, pause(15_000, null, { ref: false })]);
      expect(answers).not.toBeNull();
      for (const answer of answers ?? []) {
        expectScimError(answer, 429);
        expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      }
    } finally {
      release();
      await Promise.all([hold, writes]);
    }
    expect((await scim.get(`/Groups/${groupId}`)).body).toEqual(before);
    expect((await scim.addMembers(groupId, id)).status).toBe(204);
  }, 30_000);

  it('“a group whose members were added twice failed or doubled”: adding again is a success and no change', async () => {
    const id = await scim.createUser(newName());
    const groupId = await scim.createGroup('Twice', [id]);
    const before = (await scim.get(`/Groups/${groupId}`)).body;
    expect((await scim.addMembers(groupId, id)).status).toBe(204);
    expect((await scim.addMembers(groupId, id, id)).status).toBe(204);
    expect((await scim.get(`/Groups/${groupId}`)).body).toEqual(before);
  });

  it('“removing who is not a member failed”: it is a success and no change', async () => {
    const [id, other] = (await scim.createUsers([newName(), newName()])) as [string, string];
    const groupId = await scim.createGroup('Absent', [id]);
    const before = (await scim.get(`/Groups/${groupId}`)).body;
    expect((await scim.removeMembers(groupId, other, NOBODY, 'not-a-uuid')).status).toBe(204);
    expect((await scim.get(`/Groups/${groupId}`)).body).toEqual(before);
  });

  it('“PATCH was answered with the PatchOp schema”: it is the resource’s', async () => {
    const groupId = await scim.createGroup('Schema of the answer');
    const answer = await scim.patchOperations(`/Groups/${groupId}?attributes=displayName`, {
      op: 'replace',
      value: { id: groupId, displayName: 'Schema of the answer 2' },
    });
    expect(answer).toMatchObject({ status: 200, body: { schemas: [CORE_GROUP] } });
    const id = await scim.createUser(newName());
    expect((await scim.setActive(id, false)).body.schemas).not.toContain(PATCH_OP);
  });

  it('“a path-less replace of {id, displayName} was a 500”: it renames', async () => {
    const groupId = await scim.createGroup('Before the rename');
    const answer = await scim.renameGroup(groupId, 'After the rename');
    expect(answer.status).toBe(204);
    expect((await scim.get(`/Groups/${groupId}`)).body).toMatchObject({
      id: groupId,
      displayName: 'After the rename',
    });
  });

  it('“Add with a capital, booleans as strings, and no User-Agent are refused”: they are taken', async () => {
    const id = await scim.createUser(newName());
    const body = JSON.stringify({
      schemas: [PATCH_OP],
      Operations: [
        { op: 'Add', path: 'title', value: 'Analyst' },
        { op: 'REPLACE', path: 'active', value: 'False' },
      ],
    });
    const answer = await sendExactly(scimify.url, {
      method: 'PATCH',
      target: `/scim/v2/${integration.id}/Users/${id}`,
      headers: { Authorization: `Bearer ${integration.scimKey}`, 'Content-Type': 'application/scim+json' },
      body,
    });
    expect(answer).toMatchObject({ status: 200, body: { title: 'Analyst', active: false } });
  });

  it('“an empty list of operations was a success, or a 500”: it is 400', async () => {
    const id = await scim.createUser(newName());
    expectScimError(
      await scim.patch(`/Users/${id}`, { schemas: [PATCH_OP], Operations: [] }),
      400,
      'invalidSyntax',
    );
  });

  it('“a user that is looked for and not there is a 404”: it is an empty list', async () => {
    const answer = await scim.get('/Users?filter=userName%20eq%20%22nobody-at-all%22');
    expect(answer).toMatchObject({ status: 200, body: { schemas: [LIST_RESPONSE], totalResults: 0 } });
  });

  it('“active was left out of the answer when it was false”: it is there', async () => {
    const { body } = await scim.post('/Users', user({ active: false }));
    expect(body.active).toBe(false);
    expect((await scim.get(`/Users/${body.id}?attributes=active`)).body.active).toBe(false);
  });

  it('“adding one member to a large group takes as long as the group is large”: it takes as long as to a small one', async () => {
    const { body } = await scim.get(
      '/Groups?filter=displayName%20eq%20%22Ten%20thousand%22&excludedAttributes=members',
    );
    const big: string = body.Resources[0].id;
    const small = await scim.createGroup('Small');
    const people = await scim.createUsers(Array.from({ length: 25 }, () => newName()));
    const times: Record<string, number[]> = { [small]: [], [big]: [] };
    for (const id of people) {
      // In turns, so that other load on the machine affects both.
      for (const groupId of [small, big]) {
        const begun = performance.now();
        await scim.addMembers(groupId, id);
        times[groupId]!.push(performance.now() - begun);
      }
    }
    const median = (of: string) => times[of]!.sort((a, b) => a - b)[12]!;
    const [ofSmall, ofBig] = [median(small), median(big)];
    // Reading five thousand rows would cost far more than this.
    expect(ofBig).toBeLessThan(2 * ofSmall + 10);
  });
});
