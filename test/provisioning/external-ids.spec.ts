import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { USER_SCHEMA } from '../support/scim-client';
import { waitFor } from '../support/wait';

const A = 'john@a.io';
const B = 'john@b.io';

describe('two people with one externalId', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    for (const email of [A, B, 'ada@a.io']) scimify.pagerDuty.addUser({ email });
  });

  afterAll(() => scimify.stop());

  beforeEach(async () => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
  });

  afterEach(async () => {
    const ended = await scimify.admin.delete(`/integrations/${integration.id}?teams=delete`);
    expect(ended.status).toBe(202);
    await waitFor(
      'the teams to be gone',
      () => scimify.teams(),
      (teams) => Object.keys(teams).length === 0,
    );
  });

  const post = (userName: string, more: object = {}) =>
    integration.scim.post('/Users', {
      schemas: [USER_SCHEMA],
      userName,
      emails: [{ value: userName, primary: true }],
      ...more,
    });
  const created = async (userName: string, more: object = {}): Promise<string> => {
    const { status, body } = await post(userName, more);
    expect({ status, body }).toMatchObject({ status: 201 });
    return body.id;
  };
  const untilTeams = (teams: Record<string, string[]>) =>
    waitFor(
      `the teams ${JSON.stringify(teams)}`,
      () => scimify.teams(),
      (seen) => JSON.stringify(seen) === JSON.stringify(teams),
    );
  const groupsOf = async (id: string): Promise<string[]> =>
    ((await integration.scim.get(`/Users/${id}`)).body.groups ?? []).map(
      ({ value }: { value: string }) => value,
    );

  it('stay two people, in PagerDuty too: neither comes into the other’s teams, nor leaves with the other', async () => {
    const a = await created(A, { externalId: 'john' });
    const ada = await created('ada@a.io');
    const ofA = await integration.scim.createGroup('On-call A', [a, ada]);
    await untilTeams({ 'On-call A': ['ada@a.io', A] });
    await integration.scim.setActive(a, false);
    await untilTeams({ 'On-call A': ['ada@a.io'] });

    const b = await created(B, { externalId: 'john' });
    expect(b).not.toBe(a);
    expect((await integration.scim.get(`/Users/${a}`)).body).toMatchObject({ userName: A, active: false });
    expect(await groupsOf(b)).toEqual([]);
    await integration.scim.createGroup('On-call B', [b]);
    await untilTeams({ 'On-call A': ['ada@a.io'], 'On-call B': [B] });

    // A user that returns with the old id returns to the old teams, and brings no other user along.
    await integration.scim.setActive(a, true);
    await untilTeams({ 'On-call A': ['ada@a.io', A], 'On-call B': [B] });
    expect(await groupsOf(a)).toEqual([ofA]);

    expect((await integration.scim.delete(`/Users/${a}`)).status).toBe(204);
    await untilTeams({ 'On-call A': ['ada@a.io'], 'On-call B': [B] });
    expect((await integration.scim.get(`/Users/${b}`)).body).toMatchObject({ userName: B, active: true });
  }, 60_000);

  it('are two people when a client sends blank text for what it does not know', async () => {
    const a = await created(A, { externalId: '' });
    await integration.scim.setActive(a, false);
    const b = await created(B, { externalId: '' });
    expect(b).not.toBe(a);
    expect((await integration.scim.get(`/Users/${b}`)).body).not.toHaveProperty('externalId');
    expect((await integration.scim.get(`/Users/${a}`)).body.active).toBe(false);
  });

  it('are both found by it, be they active or not', async () => {
    const a = await created(A, { externalId: 'john' });
    const b = await created(B, { externalId: 'john' });
    const found = async () =>
      (await integration.scim.get('/Users?filter=externalId%20eq%20%22john%22')).body.Resources.map(
        ({ id }: { id: string }) => id,
      ).sort();
    expect(await found()).toEqual([a, b].sort());
    await integration.scim.setActive(a, false);
    expect(await found()).toEqual([a, b].sort());
  });

  it('may come by it through PUT and PATCH as well', async () => {
    const a = await created(A, { externalId: 'john' });
    const b = await created(B);
    const put = await integration.scim.put(`/Users/${b}`, {
      schemas: [USER_SCHEMA],
      userName: B,
      externalId: 'john',
    });
    expect(put).toMatchObject({ status: 200, body: { id: b, externalId: 'john' } });
    expect((await integration.scim.get(`/Users/${a}`)).body).toMatchObject({
      userName: A,
      externalId: 'john',
    });
  });

  it.each([
    ['equal', 'john', 'john'],
    ['missing from the POST', 'john', undefined],
    ['missing from the inactive user', undefined, 'john'],
    ['blank in the POST', 'john', ' '],
  ])('are one when the userName is the same and the externalIds are %s', async (_what, before, sent) => {
    const id = await created(A, { externalId: before });
    await integration.scim.setActive(id, false);
    expect(await created(A.toUpperCase(), { externalId: sent })).toBe(id);
  });

  it('are not one under a recycled userName: the POST is refused, and keeps its hands off the other', async () => {
    const id = await created(A, { externalId: 'john' });
    const { body: before } = await integration.scim.get(`/Users/${id}`);
    await integration.scim.setActive(id, false);
    const { status, body } = await post(A, { externalId: 'jonathan' });
    expect({ status, body }).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect(body.detail).toMatch(/inactive user with another externalId/);
    expect((await integration.scim.get(`/Users/${id}`)).body).toMatchObject({
      ...{ id, userName: before.userName, externalId: 'john', active: false },
    });
  });

  it('are never revived by a POST that says inactive', async () => {
    const id = await created(A, { externalId: 'john' });
    await integration.scim.setActive(id, false);
    expect((await post(A, { externalId: 'john', active: false })).status).toBe(409);
  });

  it('are told apart in a race: one userName goes to one of them, whatever the externalIds are', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => post(B, { externalId: n % 2 === 0 ? 'john' : `john${n}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
    const refused = answers.filter(({ status }) => status === 409);
    for (const { body } of refused) expect(body.detail).toMatch(/userName/);
  });
});
