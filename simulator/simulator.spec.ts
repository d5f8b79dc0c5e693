import { connect } from 'node:net';
import { HEADERS, RestClient, send } from './spec-support/rest-client';
import { startSimulator, StateError, type BaseRole, type Simulator } from './simulator';

const invalidInput = (...errors: string[]) => ({
  error: { message: 'Invalid Input Provided', code: 2001, errors },
});
const notFound = { error: { message: 'Not Found', code: 2100 } };
const accessDenied = { error: { message: 'Access Denied', code: 2010 } };

let simulator: Simulator;
let pagerduty: RestClient;

beforeEach(async () => {
  simulator = await startSimulator();
  pagerduty = RestClient.withKey(simulator);
});

afterEach(() => simulator.close());

describe('headers', () => {
  const team = { team: { type: 'team', name: 'SRE' } };

  it.each([
    ['missing', undefined],
    ['plain JSON', 'application/json'],
    ['another version', 'application/vnd.pagerduty+json;version=1'],
  ])('refuses an Accept header that is %s', async (_what, accept) => {
    const { status, body } = await send(`${simulator.url}/teams`, {
      headers: { authorization: pagerduty.authorization, ...(accept ? { accept } : {}) },
    });
    expect(status).toBe(406);
    expect(body.error.message).toBe('Not Acceptable');
  });

  it.each([
    ['POST', '/teams'],
    ['PUT', '/teams/P1'],
    ['PUT', '/teams/P1/users/P2'],
  ])('refuses %s %s without Content-Type: application/json', async (method, path) => {
    const { status } = await send(simulator.url + path, {
      method,
      headers: { ...HEADERS, authorization: pagerduty.authorization, 'content-type': 'text/plain' },
      body: JSON.stringify(team),
    });
    expect(status).toBe(415);
    expect(simulator.teams()).toEqual([]);
  });

  it('needs no Content-Type on GET and DELETE', async () => {
    const { accept } = HEADERS;
    const { id } = simulator.addTeam({ name: 'SRE' });
    const headers = { accept, authorization: pagerduty.authorization };
    expect((await send(`${simulator.url}/teams`, { headers })).status).toBe(200);
    expect((await send(`${simulator.url}/teams/${id}`, { method: 'DELETE', headers })).status).toBe(204);
  });

  it('puts a unique x-request-id on every response', async () => {
    const answers = [
      await pagerduty.get('/teams'),
      await pagerduty.get('/teams/nope'),
      await send(`${simulator.url}/teams`),
      await send(simulator.tokenUrl, { method: 'POST' }),
    ];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(ids.every((id) => id !== null && id !== '')).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('authentication', () => {
  const listWith = (authorization?: string, url = simulator.url) =>
    send(`${url}/teams`, { headers: { ...HEADERS, ...(authorization ? { authorization } : {}) } });

  it('answers 401 without JSON and without rate-limit headers to any deviation from the two forms', async () => {
    const key = simulator.addApiKey();
    const deviations = [
      undefined,
      key,
      `Token ${key}`,
      `token token=${key}`,
      `Token token="${key}"`,
      `Token token= ${key}`,
      `Bearer ${key}`,
      `Basic ${btoa(`${key}:`)}`,
      'Token token=nobodys',
    ];
    for (const authorization of deviations) {
      const { status, body, text, headers } = await listWith(authorization);
      expect([authorization, status]).toEqual([authorization, 401]);
      expect(body).toBeUndefined();
      expect(text).toBe('');
      expect(headers.get('ratelimit-limit')).toBeNull();
    }
    expect((await listWith(`Token token=${key}`)).status).toBe(200);
  });

  it('answers 401 to a disabled key until it is enabled again, and to a removed one for ever', async () => {
    const key = simulator.addApiKey();
    simulator.disableKey(key);
    expect((await listWith(`Token token=${key}`)).status).toBe(401);
    simulator.enableKey(key);
    expect((await listWith(`Token token=${key}`)).status).toBe(200);
    simulator.removeKey(key);
    expect((await listWith(`Token token=${key}`)).status).toBe(401);
  });

  it("disables a user's key when the user is removed", async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    const key = simulator.addApiKey({ kind: 'user', userId: user.id });
    expect((await listWith(`Token token=${key}`)).status).toBe(200);
    simulator.removeUser(user.id);
    expect((await listWith(`Token token=${key}`)).status).toBe(401);
  });

  it("answers a plain 401 to a key at the other region's host", async () => {
    const usKey = `Token token=${simulator.addApiKey()}`;
    const euKey = `Token token=${simulator.addAccount({ subdomain: 'globex', region: 'eu' }).addApiKey()}`;
    expect((await listWith(usKey, simulator.usUrl)).status).toBe(200);
    expect((await listWith(usKey, simulator.euUrl)).status).toBe(401);
    expect((await listWith(euKey, simulator.euUrl)).status).toBe(200);
    expect((await listWith(euKey, simulator.usUrl)).status).toBe(401);
    expect((await listWith(euKey)).status).toBe(200);
  });

  it('treats the URL without prefix as the US host with `by-prefix`', async () => {
    const strict = await startSimulator({ regions: 'by-prefix' });
    const euKey = strict.addAccount({ subdomain: 'globex', region: 'eu' }).addApiKey();
    expect((await listWith(`Token token=${euKey}`, strict.url)).status).toBe(401);
    expect((await listWith(`Token token=${strict.addApiKey()}`, strict.url)).status).toBe(200);
    await strict.close();
  });

  it('keeps accounts apart', async () => {
    const other = simulator.addAccount({ subdomain: 'globex', region: 'us' });
    const theirs = RestClient.withKey(simulator, other.addApiKey());
    const { id } = simulator.addTeam({ name: 'SRE' });
    expect((await theirs.get('/teams')).body.teams).toEqual([]);
    expect((await theirs.get(`/teams/${id}`)).status).toBe(404);
    expect((await theirs.createTeam('SRE')).status).toBe(201);
    expect(other.team('SRE')?.id).not.toBe(id);
  });
});

describe('authorisation', () => {
  it('refuses every write of a read-only key with 403 before it looks whether anything exists', async () => {
    const reader = RestClient.withKey(simulator, simulator.addApiKey({ readOnly: true }));
    expect((await reader.get('/teams')).status).toBe(200);
    for (const answer of [
      await reader.createTeam('SRE'),
      await reader.delete('/teams/PXXXXXX/users/PXXXXXX'),
      await reader.put('/teams/PXXXXXX/users/PXXXXXX'),
    ]) {
      expect([answer.status, answer.body]).toEqual([403, accessDenied]);
    }
    expect((await pagerduty.delete('/teams/PXXXXXX/users/PXXXXXX')).status).toBe(404);
  });

  it('answers 402 to every call on teams, and to no other, without the teams ability', async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.setAbility('teams', false);
    for (const answer of [
      await pagerduty.get('/teams'),
      await pagerduty.createTeam('x'),
      await pagerduty.get(`/teams/${team.id}/members`),
      await pagerduty.put(`/teams/${team.id}/users/${user.id}`),
    ]) {
      expect([answer.status, answer.body]).toEqual([
        402,
        {
          error: {
            message: 'Required abilities are unavailable',
            code: 2014,
            errors: ['The teams account ability is required to access teams'],
            missing_abilities: 'teams',
          },
        },
      ]);
    }
    expect((await pagerduty.get('/users')).status).toBe(200);
    expect((await pagerduty.get('/abilities')).body.abilities).not.toContain('teams');
  });

  it("answers /users/me to a user's key only", async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    const ada = RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id }));
    expect((await ada.get('/users/me')).body.user).toMatchObject({ id: user.id, email: 'ada@example.com' });
    expect((await pagerduty.get('/users/me')).status).toBe(400);
  });

  it("adds the user of a user's key to the team it creates, and adds no user for an account's key", async () => {
    const user = simulator.addUser({ email: 'ada@example.com', role: 'limited_user' });
    const ada = RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id }));
    await ada.createTeam('Hers');
    await pagerduty.createTeam('Theirs');
    expect(simulator.team('Hers')?.members).toMatchObject([{ id: user.id, role: 'responder' }]);
    expect(simulator.team('Theirs')?.members).toEqual([]);
  });

  it("hides others' private teams from a user's key, but their names are still in use", async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    const ada = RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id }));
    const team = simulator.addTeam({ name: 'Secret', defaultRole: 'none' });
    expect((await ada.get('/teams')).body.teams).toEqual([]);
    expect((await ada.get(`/teams/${team.id}`)).status).toBe(404);
    expect((await ada.createTeam('secret')).body).toEqual(invalidInput('Name has already been taken'));
    simulator.addMember(team.id, user.id);
    expect((await ada.get('/teams')).body.teams).toHaveLength(1);
  });

  it('lets a stakeholder or observer only read by key', async () => {
    for (const role of ['read_only_user', 'observer'] as const) {
      const user = simulator.addUser({ email: `${role}@example.com`, role });
      const client = RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id }));
      expect((await client.get('/teams')).status).toBe(200);
      expect((await client.createTeam(role)).body).toEqual(accessDenied);
    }
  });
});

describe('rate limit', () => {
  it('counts down on every response after authentication, 204s and errors included', async () => {
    const { id } = simulator.addTeam({ name: 'SRE' });
    const answers = [
      await pagerduty.get('/teams'),
      await pagerduty.delete(`/teams/${id}`),
      await pagerduty.get(`/teams/${id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 404]);
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['959', '958', '957']);
    for (const { headers } of answers) {
      expect(headers.get('ratelimit-limit')).toBe('960');
      expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(50);
      expect(Number(headers.get('ratelimit-reset'))).toBeLessThanOrEqual(60);
    }
  });

  it('answers 429 without an effect when the budget is used up, until the next window', async () => {
    await simulator.close();
    simulator = await startSimulator({ rateLimit: 2, clockSpeed: 20 });
    pagerduty = RestClient.withKey(simulator);
    await pagerduty.get('/teams');
    await pagerduty.get('/teams');
    const refused = await pagerduty.createTeam('SRE');
    expect([refused.status, refused.body]).toEqual([
      429,
      { error: { message: 'Rate Limit Exceeded', code: 2020 } },
    ]);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    expect(Number(refused.headers.get('ratelimit-reset'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('ratelimit-reset'))).toBeLessThanOrEqual(3);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(simulator.teams()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 3_050));
    expect((await pagerduty.createTeam('SRE')).status).toBe(201);
  });

  it('counts each account key in its own bucket, and all keys of a user in one', async () => {
    simulator.setRateLimit(1);
    const user = simulator.addUser({ email: 'ada@example.com' });
    const userKeys = [1, 2].map(() =>
      RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id })),
    );
    const other = RestClient.withKey(simulator);
    expect((await pagerduty.get('/teams')).status).toBe(200);
    expect((await pagerduty.get('/teams')).status).toBe(429);
    expect((await other.get('/teams')).status).toBe(200);
    expect((await userKeys[0]!.get('/teams')).status).toBe(200);
    expect((await userKeys[1]!.get('/teams')).status).toBe(429);
    simulator.resetRateLimit();
    expect((await userKeys[1]!.get('/teams')).status).toBe(200);
  });
});

describe('creating and changing teams', () => {
  it('answers 201 with the whole team', async () => {
    const { status, body } = await pagerduty.createTeam('SRE', { description: 'on call' });
    expect(status).toBe(201);
    const { id } = body.team;
    expect(id).toMatch(/^P[0-9A-Z]{6}$/);
    expect(body.team).toEqual({
      id,
      name: 'SRE',
      description: 'on call',
      type: 'team',
      summary: 'SRE',
      self: `https://api.pagerduty.com/teams/${id}`,
      html_url: `https://acme.pagerduty.com/teams/${id}`,
      default_role: 'manager',
      parent: null,
    });
    expect((await pagerduty.get(`/teams/${id}`)).body).toEqual(body);
  });

  it('gives the addresses of the EU service in an EU account', async () => {
    const account = simulator.addAccount({ subdomain: 'globex', region: 'eu' });
    const { body } = await RestClient.withKey(simulator, account.addApiKey()).createTeam('SRE');
    expect(body.team.self).toBe(`https://api.eu.pagerduty.com/teams/${body.team.id}`);
    expect(body.team.html_url).toBe(`https://globex.eu.pagerduty.com/teams/${body.team.id}`);
  });

  it.each([
    ['is not wrapped', { type: 'team', name: 'SRE' }, 'Team must be an object'],
    ['is a list', [], 'Team must be an object'],
    ['is not JSON', '{', 'Body is not valid JSON'],
    ['is missing', undefined, 'Team must be an object'],
    ['has no type', { team: { name: 'SRE' } }, 'Type must be team'],
    ['has no name', { team: { type: 'team' } }, "Name can't be blank"],
    ['has a blank name', { team: { type: 'team', name: '  ' } }, "Name can't be blank"],
    ['has a name that is no text', { team: { type: 'team', name: 7 } }, "Name can't be blank"],
    [
      'has a name of 101 characters',
      { team: { type: 'team', name: 'x'.repeat(101) } },
      'Name is too long (maximum is 100 characters)',
    ],
    [
      'has a description of 1025 characters',
      { team: { type: 'team', name: 'SRE', description: 'x'.repeat(1025) } },
      'Description is too long (maximum is 1024 characters)',
    ],
    [
      'has a description that is no text',
      { team: { type: 'team', name: 'SRE', description: {} } },
      'Description must be a String.',
    ],
    [
      'has an unknown default role',
      { team: { type: 'team', name: 'SRE', default_role: 'responder' } },
      'Default role must be one of: manager, none',
    ],
  ])('refuses a team whose body %s', async (_what, sent, error) => {
    const { status, body } = await pagerduty.post('/teams', sent);
    expect([status, body]).toEqual([400, invalidInput(error)]);
    expect(simulator.teams()).toEqual([]);
  });

  it("answers a Responder's unwrapped body with 403", async () => {
    const user = simulator.addUser({ email: 'ada@example.com', role: 'limited_user' });
    const ada = RestClient.withKey(simulator, simulator.addApiKey({ kind: 'user', userId: user.id }));
    const { status, body } = await ada.post('/teams', { type: 'team', name: 'SRE' });
    expect([status, body]).toEqual([403, accessDenied]);
  });

  it('takes a name of exactly 100 characters and ignores unknown and read-only fields', async () => {
    const name = '😀'.repeat(100);
    const { status, body } = await pagerduty.createTeam(name, { id: 'PMINE00', summary: 'x', colour: 1 });
    expect([status, body.team.name]).toEqual([201, name]);
    expect(body.team.id).not.toBe('PMINE00');
  });

  it.each(['SRE  Core', ' sre core ', 'Sre\tCORE'])('refuses %j beside "SRE Core"', async (name) => {
    await pagerduty.createTeam('SRE Core');
    const { status, body } = await pagerduty.createTeam(name);
    expect([status, body]).toEqual([400, invalidInput('Name has already been taken')]);
  });

  it('stores a name trimmed and with single spaces', async () => {
    expect((await pagerduty.createTeam('  SRE   Core ')).body.team.name).toBe('SRE Core');
  });

  it('changes only what a PUT names', async () => {
    const { id } = (await pagerduty.createTeam('SRE', { description: 'one' })).body.team;
    const described = await pagerduty.put(`/teams/${id}`, { team: { type: 'team', description: 'two' } });
    expect([described.status, described.body.team]).toMatchObject([200, { name: 'SRE', description: 'two' }]);
    const renamed = await pagerduty.put(`/teams/${id}`, { team: { type: 'team', name: 'Core' } });
    expect(renamed.body.team).toMatchObject({ id, name: 'Core', summary: 'Core', description: 'two' });
    const undescribed = await pagerduty.put(`/teams/${id}`, { team: { type: 'team', description: null } });
    expect(undescribed.body.team).toMatchObject({ name: 'Core', description: null });
  });

  it("refuses a rename to another team's name, and lets a team keep or recase its own", async () => {
    await pagerduty.createTeam('SRE');
    const { id } = (await pagerduty.createTeam('Core')).body.team;
    const rename = (name: string) => pagerduty.put(`/teams/${id}`, { team: { type: 'team', name } });
    expect((await rename('sre')).body).toEqual(invalidInput('Name has already been taken'));
    expect((await rename('Core')).status).toBe(200);
    expect((await rename('CORE')).body.team.name).toBe('CORE');
    expect((await rename('')).body).toEqual(invalidInput("Name can't be blank"));
    expect((await pagerduty.put(`/teams/${id}`, { name: 'x' })).body).toEqual(
      invalidInput('Team must be an object'),
    );
  });

  it('frees a name when its team is renamed or deleted', async () => {
    const { id } = (await pagerduty.createTeam('SRE')).body.team;
    await pagerduty.put(`/teams/${id}`, { team: { type: 'team', name: 'Core' } });
    const again = await pagerduty.createTeam('SRE');
    expect(again.status).toBe(201);
    await pagerduty.delete(`/teams/${again.body.team.id}`);
    const third = await pagerduty.createTeam('SRE');
    expect(third.status).toBe(201);
    expect(third.body.team.id).not.toBe(again.body.team.id);
  });

  it('refuses a team beyond what the plan allows', async () => {
    simulator.setLimits({ teams: 2 });
    await pagerduty.createTeam('one');
    await pagerduty.createTeam('two');
    const { status, body } = await pagerduty.createTeam('three');
    expect([status, body.error.code, body.error.message]).toEqual([400, 2019, 'Product Limit Reached']);
  });
});

describe('deleting teams', () => {
  it('deletes a team with members, and removes it from these users', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    simulator.addMember(team.id, user.id);
    const { status, text } = await pagerduty.delete(`/teams/${team.id}`);
    expect([status, text]).toEqual([204, '']);
    expect(simulator.user(user.id)?.teamIds).toEqual([]);
    expect((await pagerduty.delete(`/teams/${team.id}`)).body).toEqual(notFound);
  });

  it.each(['Escalation Policies', 'Services', 'Schedules', 'Subteams'] as const)(
    'refuses to delete a team with %s until they are gone',
    async (kind) => {
      const team = simulator.addTeam({ name: 'SRE' });
      simulator.associate(team.id, kind);
      const { status, body } = await pagerduty.delete(`/teams/${team.id}`);
      expect([status, body]).toEqual([
        400,
        {
          error: {
            message: 'Team has existing associations',
            code: 6006,
            errors: [`Cannot delete team with existing ${kind} association(s)`],
          },
        },
      ]);
      simulator.dissociate(team.id, kind);
      expect((await pagerduty.delete(`/teams/${team.id}`)).status).toBe(204);
    },
  );

  it('uses the older error text for several kinds of association', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.associate(team.id, 'Services');
    simulator.associate(team.id, 'Schedules');
    expect((await pagerduty.delete(`/teams/${team.id}`)).body.error).toMatchObject({
      code: 6006,
      errors: [
        'Cannot delete team with existing associations; associations could be Escalation Policies, Services, Schedules or Subteams',
      ],
    });
  });

  it('refuses a bad reassignment team and takes a good one', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const other = simulator.addTeam({ name: 'Core' });
    const remove = (target: string) => pagerduty.delete(`/teams/${team.id}?reassignment_team=${target}`);
    expect((await remove('PNOBODY')).body.error.code).toBe(6003);
    expect((await remove(team.id)).body.error.code).toBe(6002);
    expect((await remove(other.id)).status).toBe(204);
  });
});

describe('members', () => {
  const membersUrl = (teamId: string) => `/teams/${teamId}/members`;

  it.each<[BaseRole, string]>([
    ['owner', 'manager'],
    ['admin', 'manager'],
    ['user', 'manager'],
    ['limited_user', 'responder'],
    ['observer', 'observer'],
    ['restricted_access', 'observer'],
  ])('gives a new member with the base role %s the team role %s', async (base, role) => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com', role: base });
    const { status, text } = await pagerduty.put(`/teams/${team.id}/users/${user.id}`);
    expect([status, text]).toEqual([204, '']);
    expect(simulator.team('SRE')?.members).toEqual([
      { id: user.id, email: 'ada@example.com', name: 'ada', role },
    ]);
  });

  it.each<[BaseRole, string, number]>([
    ['owner', 'manager', 204],
    ['owner', 'responder', 400],
    ['admin', 'observer', 400],
    ['user', 'observer', 204],
    ['limited_user', 'manager', 204],
    ['observer', 'responder', 204],
    ['restricted_access', 'manager', 204],
  ])('answers %s asking for %s with %d', async (base, role, expected) => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com', role: base });
    const { status, body } = await pagerduty.put(`/teams/${team.id}/users/${user.id}`, { role });
    expect(status).toBe(expected);
    if (expected === 400) expect(body.error.code).toBe(2001);
    expect(simulator.team('SRE')?.members.map((member) => member.role)).toEqual(
      expected === 204 ? [role] : [],
    );
  });

  it.each<BaseRole>(['read_only_user', 'read_only_limited_user'])('refuses a %s', async (role) => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com', role });
    const { status, body } = await pagerduty.put(`/teams/${team.id}/users/${user.id}`);
    expect([status, body.error.code]).toEqual([400, 2001]);
    expect(simulator.team('SRE')?.members).toEqual([]);
  });

  it('changes the role of a member by PUT with a role, and keeps it by PUT without', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    const role = () => simulator.team('SRE')?.members.map((member) => member.role);
    await pagerduty.put(`/teams/${team.id}/users/${user.id}`, { role: 'observer' });
    expect(role()).toEqual(['observer']);
    await pagerduty.put(`/teams/${team.id}/users/${user.id}`, {});
    expect(role()).toEqual(['observer']);
    await pagerduty.put(`/teams/${team.id}/users/${user.id}`, { role: 'responder' });
    expect(role()).toEqual(['responder']);
  });

  it('ignores a role in a wrapper, like any unknown field', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    await pagerduty.put(`/teams/${team.id}/users/${user.id}`, { member: { role: 'observer' } });
    expect(simulator.team('SRE')?.members[0]?.role).toBe('manager');
  });

  it.each([
    ['an unknown role', { role: 'boss' }],
    ['a role that is no text', { role: 1 }],
    ['a list', ['manager']],
    ['broken JSON', '{"role"'],
  ])('refuses %s', async (_what, sent) => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    const { status, body } = await pagerduty.put(`/teams/${team.id}/users/${user.id}`, sent);
    expect([status, body.error.code]).toEqual([400, 2001]);
  });

  it('answers 404 for unknown teams and users and for a user that is not a member', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    for (const answer of [
      await pagerduty.put(`/teams/PNOBODY/users/${user.id}`),
      await pagerduty.put(`/teams/${team.id}/users/PNOBODY`),
      await pagerduty.delete(`/teams/PNOBODY/users/${user.id}`),
      await pagerduty.delete(`/teams/${team.id}/users/PNOBODY`),
      await pagerduty.delete(`/teams/${team.id}/users/${user.id}`),
      await pagerduty.get('/teams/PNOBODY/members'),
      await pagerduty.get('/teams/PNOBODY'),
      await pagerduty.put('/teams/PNOBODY', { team: { type: 'team' } }),
      await pagerduty.get('/users/PNOBODY'),
      await pagerduty.get('/nothing'),
      await pagerduty.get('/teams/'),
    ]) {
      expect([answer.status, answer.body]).toEqual([404, notFound]);
    }
  });

  it('removes a member with 204, once', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    simulator.addMember(team.id, user.id);
    const { status, text } = await pagerduty.delete(`/teams/${team.id}/users/${user.id}`);
    expect([status, text]).toEqual([204, '']);
    expect((await pagerduty.delete(`/teams/${team.id}/users/${user.id}`)).status).toBe(404);
  });

  it('adds the people on a policy to the team, and refuses to remove them from this team only', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const other = simulator.addTeam({ name: 'Core' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    simulator.addMember(other.id, user.id);
    simulator.associate(team.id, 'Schedules', { userIds: [user.id] });
    expect(simulator.team('SRE')?.members).toHaveLength(1);
    const { status, body } = await pagerduty.delete(`/teams/${team.id}/users/${user.id}`);
    expect([status, body]).toEqual([
      400,
      invalidInput('User cannot be removed as they belong to an escalation policy on this team'),
    ]);
    expect((await pagerduty.delete(`/teams/${other.id}/users/${user.id}`)).status).toBe(204);
    simulator.dissociate(team.id, 'Schedules', { userIds: [user.id] });
    expect((await pagerduty.delete(`/teams/${team.id}/users/${user.id}`)).status).toBe(204);
  });

  it('refuses member number 501, but not a repetition or a change of role', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const users = simulator.addUsers(501);
    for (const { id } of users.slice(0, 500)) simulator.addMember(team.id, id);
    const { status, body } = await pagerduty.put(`/teams/${team.id}/users/${users[500]!.id}`);
    expect([status, body.error.message, body.error.code]).toEqual([400, 'Product Limit Reached', 2019]);
    expect(
      (await pagerduty.put(`/teams/${team.id}/users/${users[0]!.id}`, { role: 'observer' })).status,
    ).toBe(204);
  });

  it('caps members per team and teams per user where the test puts the limits', async () => {
    simulator.setLimits({ membersPerTeam: 2, teamsPerUser: 1 });
    const [one, two] = [simulator.addTeam({ name: 'one' }), simulator.addTeam({ name: 'two' })];
    const [ada, bob, cyd] = simulator.addUsers(3);
    expect((await pagerduty.put(`/teams/${one.id}/users/${ada!.id}`)).status).toBe(204);
    expect((await pagerduty.put(`/teams/${one.id}/users/${bob!.id}`)).status).toBe(204);
    expect((await pagerduty.put(`/teams/${one.id}/users/${cyd!.id}`)).body.error.code).toBe(2019);
    expect((await pagerduty.put(`/teams/${two.id}/users/${ada!.id}`)).body.error.code).toBe(2019);
  });

  it('lists members as references without an address, or as whole users on request', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com', name: 'Ada', role: 'limited_user' });
    simulator.addMember(team.id, user.id, 'manager');
    const plain = await pagerduty.get(membersUrl(team.id));
    expect(plain.body).toEqual({
      members: [
        {
          user: {
            id: user.id,
            type: 'user_reference',
            summary: 'Ada',
            self: `https://api.pagerduty.com/users/${user.id}`,
            html_url: `https://acme.pagerduty.com/users/${user.id}`,
          },
          role: 'manager',
        },
      ],
      limit: 100,
      offset: 0,
      more: false,
      total: null,
    });
    const expanded = await pagerduty.get(`${membersUrl(team.id)}?include[]=users&total=true`);
    expect(expanded.body.members[0]).toMatchObject({
      role: 'manager',
      user: { type: 'user', email: 'ada@example.com', role: 'limited_user' },
    });
    expect(expanded.body.total).toBeNull();
  });

  it('pages members by 100 by default', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    for (const { id } of simulator.addUsers(130)) simulator.addMember(team.id, id);
    const first = await pagerduty.get(membersUrl(team.id));
    expect([first.body.members.length, first.body.more, first.body.limit]).toEqual([100, true, 100]);
    const second = await pagerduty.get(`${membersUrl(team.id)}?offset=100`);
    expect([second.body.members.length, second.body.more]).toEqual([30, false]);
  });
});

describe('lists', () => {
  it.each([
    ['/teams', 'teams'],
    ['/users', 'users'],
  ])('pages %s by 25 in a stable order, with total only if asked', async (path, name) => {
    for (let index = 30; index > 0; index -= 1) {
      simulator.addTeam({ name: `Team ${String(index).padStart(2, '0')}` });
    }
    simulator.addUsers(30);
    const first = await pagerduty.get(path);
    expect(first.body).toMatchObject({ limit: 25, offset: 0, more: true, total: null });
    expect(first.body[name]).toHaveLength(25);
    const second = await pagerduty.get(`${path}?offset=25&total=true`);
    expect(second.body).toMatchObject({ limit: 25, offset: 25, more: false, total: 30 });
    const names = [...first.body[name], ...second.body[name]].map((row: { name: string }) => row.name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toHaveLength(30);
    expect((await pagerduty.get(path)).body).toEqual(first.body);
  });

  it('cuts a limit above 100', async () => {
    simulator.addUsers(120);
    const { body } = await pagerduty.get('/users?limit=500');
    expect([body.users.length, body.limit, body.more]).toEqual([100, 100, true]);
  });

  it('allows an offset plus limit of up to 10,000', async () => {
    expect((await pagerduty.get('/users?limit=100&offset=9900')).status).toBe(200);
    const { status, body } = await pagerduty.get('/users?limit=100&offset=9901');
    expect([status, body]).toEqual([
      400,
      {
        error: {
          message: 'Arguments Caused Error',
          code: 2002,
          errors: [
            'Offset+limit exceeds maximum allowed value of 10000. Please try to refine your search to reduce the returned set of records below this number, like adding a date range.',
          ],
        },
      },
    ]);
  });

  it.each(['limit=0', 'limit=ten', 'limit=-1', 'offset=-1', 'offset=1.5', 'total=True', 'total=yes'])(
    'refuses ?%s',
    async (query) => {
      const { status, body } = await pagerduty.get(`/teams?${query}`);
      expect([status, body.error.code]).toEqual([400, 2002]);
    },
  );

  it('finds teams by any part of the name, without case, near misses included', async () => {
    for (const name of ['SRE', 'Core SRE', 'Platform']) simulator.addTeam({ name });
    const { body } = await pagerduty.get('/teams?query=sre');
    expect(body.teams.map(({ name }: { name: string }) => name)).toEqual(['Core SRE', 'SRE']);
  });

  it('finds users by any part of name or address, without case', async () => {
    simulator.addUsers([
      { email: 'E.Doe+x@example.com', name: 'Erin' },
      { email: 'joe.doe+x@example.com', name: 'Joe' },
      { email: 'amy@example.com', name: 'Amy Doe+X' },
      { email: 'bob@example.com', name: 'Bob' },
    ]);
    const found = async (query: string) =>
      (await pagerduty.get(`/users?query=${query}`)).body.users.map(({ name }: { name: string }) => name);
    expect(await found('e.doe%2Bx%40EXAMPLE.com')).toEqual(['Erin', 'Joe']);
    expect(await found('doe%2Bx')).toEqual(['Amy Doe+X', 'Erin', 'Joe']);
    // An unencoded plus is a space.
    expect(await found('doe+x')).toEqual([]);
  });

  it('searches the current name, not an old one', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com', name: 'Ada' });
    const found = async (path: string) => {
      const { body } = await pagerduty.get(path);
      return (body.teams ?? body.users).length;
    };
    expect([await found('/teams?query=sre'), await found('/users?query=ada')]).toEqual([1, 1]);
    simulator.renameTeam(team.id, 'Core');
    simulator.updateUser(user.id, { email: 'al@example.com', name: 'Al' });
    expect([await found('/teams?query=sre'), await found('/users?query=ada')]).toEqual([0, 0]);
    expect([await found('/teams?query=CORE'), await found('/users?query=AL@')]).toEqual([1, 1]);
    simulator.removeTeam(team.id);
    simulator.removeUser(user.id);
    expect([await found('/teams?query=core'), await found('/users?query=al@')]).toEqual([0, 0]);
  });

  it('shows all user fields that the live API lists, and always the teams', async () => {
    const user = simulator.addUser({ email: 'Ada@Example.com', name: 'Ada', jobTitle: 'SRE' });
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.addMember(team.id, user.id);
    const { body } = await pagerduty.get('/users');
    expect(body.users[0]).toEqual({
      id: user.id,
      type: 'user',
      name: 'Ada',
      email: 'Ada@Example.com',
      role: 'user',
      job_title: 'SRE',
      description: null,
      time_zone: 'Etc/UTC',
      color: 'purple',
      avatar_url: expect.any(String),
      billed: true,
      invitation_sent: false,
      created_via_sso: false,
      locale: 'en-US',
      teams: [
        {
          id: team.id,
          type: 'team_reference',
          summary: 'SRE',
          self: `https://api.pagerduty.com/teams/${team.id}`,
          html_url: `https://acme.pagerduty.com/teams/${team.id}`,
        },
      ],
      contact_methods: [expect.objectContaining({ type: 'email_contact_method_reference' })],
      notification_rules: [],
      coordinated_incidents: [],
      summary: 'Ada',
      self: `https://api.pagerduty.com/users/${user.id}`,
      html_url: `https://acme.pagerduty.com/users/${user.id}`,
    });
    expect((await pagerduty.get(`/users/${user.id}`)).body.user).toEqual(body.users[0]);
    const included = await pagerduty.get('/users?include[]=teams&include[]=contact_methods');
    expect(included.body.users[0].teams[0]).toMatchObject({ type: 'team', name: 'SRE' });
    expect(included.body.users[0].contact_methods[0]).toMatchObject({ address: 'Ada@Example.com' });
  });

  it('filters users by teams given as a repeated bracketed key', async () => {
    const teams = ['one', 'two', 'three'].map((name) => simulator.addTeam({ name }));
    const users = simulator.addUsers(3);
    users.forEach(({ id }, index) => simulator.addMember(teams[index]!.id, id));
    const { body } = await pagerduty.get(
      `/users?team_ids[]=${teams[0]!.id}&team_ids%5B%5D=${teams[2]!.id}&total=true`,
    );
    expect(body.users.map(({ id }: { id: string }) => id)).toEqual([users[0]!.id, users[2]!.id]);
    expect(body.total).toBe(2);
  });

  it.each(['team_ids=P1', 'team_ids=P1,P2', 'team_ids[]=P1,P2'])('refuses ?%s', async (query) => {
    const { status, body } = await pagerduty.get(`/users?${query}`);
    expect([status, body]).toEqual([400, invalidInput('Team ids must be a Array.')]);
  });

  it('removes a deleted user everywhere, and gives a user that is added again another id', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const user = simulator.addUser({ email: 'ada@example.com' });
    simulator.addMember(team.id, user.id);
    simulator.removeUser(user.id);
    expect((await pagerduty.get('/users')).body.users).toEqual([]);
    expect((await pagerduty.get(`/users/${user.id}`)).status).toBe(404);
    expect((await pagerduty.get(`/teams/${team.id}/members`)).body.members).toEqual([]);
    expect(simulator.addUser({ email: 'ada@example.com' }).id).not.toBe(user.id);
  });

  it('answers 501 to real calls that it does not imitate', async () => {
    expect((await pagerduty.post('/users', { user: {} })).status).toBe(501);
    expect((await pagerduty.get('/escalation_policies')).status).toBe(501);
  });
});

describe('lag', () => {
  it('still shows the old members and the old teams of users for a while after a write', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const [ada, bob] = simulator.addUsers(2);
    simulator.addMember(team.id, bob!.id, 'observer');
    simulator.setMembershipReadLag(2_000);
    await pagerduty.put(`/teams/${team.id}/users/${ada!.id}`);
    await pagerduty.delete(`/teams/${team.id}/users/${bob!.id}`);
    const members = async () =>
      (await pagerduty.get(`/teams/${team.id}/members`)).body.members.map(
        ({ user, role }: { user: { id: string }; role: string }) => [user.id, role],
      );
    expect(await members()).toEqual([[bob!.id, 'observer']]);
    expect((await pagerduty.get(`/users/${ada!.id}`)).body.user.teams).toEqual([]);
    expect((await pagerduty.get(`/users?team_ids[]=${team.id}`)).body.users).toMatchObject([{ id: bob!.id }]);
    expect(simulator.team('SRE')?.members).toMatchObject([{ id: ada!.id }]);
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    expect(await members()).toEqual([[ada!.id, 'manager']]);
    expect((await pagerduty.get(`/users/${ada!.id}`)).body.user.teams).toHaveLength(1);
  });

  it('still shows the old name for a while after a rename, but not in the response to the rename', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.setMembershipReadLag(2_000);
    const renamed = await pagerduty.put(`/teams/${team.id}`, { team: { type: 'team', name: 'Core' } });
    expect(renamed.body.team.name).toBe('Core');
    expect((await pagerduty.get(`/teams/${team.id}`)).body.team.name).toBe('SRE');
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    expect((await pagerduty.get(`/teams/${team.id}`)).body.team.name).toBe('Core');
  });

  it('answers 404 for a team just created through the API, which the list shows or hides', async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    simulator.setCreationLag(2_000);
    const { id } = (await pagerduty.createTeam('SRE')).body.team;
    expect((await pagerduty.get(`/teams/${id}`)).status).toBe(404);
    expect((await pagerduty.put(`/teams/${id}/users/${user.id}`)).status).toBe(404);
    expect((await pagerduty.get('/teams')).body.teams).toHaveLength(1);
    simulator.setCreationLag(2_000, { inLists: true });
    expect((await pagerduty.get('/teams')).body.teams).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    expect((await pagerduty.put(`/teams/${id}/users/${user.id}`)).status).toBe(204);
    expect((await pagerduty.get('/teams')).body.teams).toHaveLength(1);
  });
});

describe('the library', () => {
  it('makes changes without the rules of the API and outside the call log', () => {
    const user = simulator.addUser({ email: 'ada@example.com', name: ' Ada   L ', role: 'read_only_user' });
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.addMember(team.id, user.id);
    simulator.renameTeam(team.id, 'Core');
    simulator.updateUser(user.id, { email: 'ADA@example.org', role: 'user' });
    expect(simulator.team('core')).toEqual({
      id: team.id,
      name: 'Core',
      description: null,
      defaultRole: 'manager',
      members: [{ id: user.id, email: 'ADA@example.org', name: 'Ada L', role: 'observer' }],
      associations: [],
    });
    expect(simulator.user('ada@EXAMPLE.org')).toMatchObject({ id: user.id, teamIds: [team.id] });
    simulator.removeMember(team.id, user.id);
    simulator.removeTeam(team.id);
    expect(simulator.teams()).toEqual([]);
    expect(simulator.calls()).toEqual([]);
  });

  it('throws on unknown ids, names in use and invalid addresses', () => {
    simulator.addUser({ email: 'ada@example.com' });
    const team = simulator.addTeam({ name: 'SRE' });
    expect(() => simulator.addUser({ email: 'ADA@example.com' })).toThrow(StateError);
    expect(() => simulator.addUser({ email: 'unknown' })).toThrow('email');
    expect(() => simulator.addTeam({ name: 'sre' })).toThrow('already been taken');
    expect(() => simulator.addMember(team.id, 'PNOBODY')).toThrow('no user PNOBODY');
    expect(() => simulator.removeTeam('PNOBODY')).toThrow('no team PNOBODY');
    expect(() => simulator.addAccount({ subdomain: 'acme', region: 'us' })).toThrow('exists already');
    expect(() => simulator.addAccount({ subdomain: 'A b', region: 'us' })).toThrow('subdomain');
    expect(() => simulator.addApiKey({ kind: 'user' })).toThrow('userId');
    expect(() => simulator.addOAuthClient({ subdomain: 'unknown' })).toThrow('no account us.unknown');
    expect(() => simulator.setRateLimit(0)).toThrow(RangeError);
  });

  it('generates users with unique addresses, even after some were deleted', () => {
    const [first] = simulator.addUsers(3);
    simulator.removeUser(first!.id);
    simulator.addUsers(3);
    expect(new Set(simulator.users().map(({ email }) => email)).size).toBe(5);
  });

  it('gives the same ids in every run, and none twice', async () => {
    const other = await startSimulator();
    const ids = [simulator, other].map((each) => each.addUsers(2000).map(({ id }) => id));
    await other.close();
    expect(ids[0]).toEqual(ids[1]);
    expect(new Set(ids[0]).size).toBe(2000);
  });

  it('keeps the log of calls without credentials', async () => {
    const key = simulator.addApiKey();
    const client = RestClient.withKey(simulator, key);
    await client.createTeam('SRE');
    await send(`${simulator.euUrl}/users?limit=1`, {
      headers: { ...HEADERS, authorization: 'Token token=wrong-secret', 'user-agent': 'spec/1' },
    });
    const [created, refused] = simulator.calls();
    expect(created).toMatchObject({
      seq: 1,
      host: 'any',
      method: 'POST',
      path: '/teams',
      status: 201,
      credential: { kind: 'account', id: simulator.apiKeys().at(-1)?.id, account: 'us.acme' },
      requestBody: { team: { type: 'team', name: 'SRE' } },
    });
    expect(refused).toMatchObject({
      seq: 2,
      host: 'eu',
      method: 'GET',
      path: '/users?limit=1',
      status: 401,
      credential: { kind: 'unknown', id: null },
      userAgent: 'spec/1',
    });
    const text = JSON.stringify(simulator.calls());
    expect(text).not.toContain(key);
    expect(text).not.toContain('wrong-secret');
    expect(simulator.calls({ method: 'post' })).toHaveLength(1);
    expect(simulator.calls({ path: /limit=1$/ })).toHaveLength(1);
    expect(simulator.calls({ path: '/users', status: 401, afterSeq: 1 })).toHaveLength(1);
    simulator.clearCalls();
    expect(simulator.calls()).toEqual([]);
  });

  it('resets to an empty account whose clients and account keys still work', async () => {
    const user = simulator.addUser({ email: 'ada@example.com' });
    const userKey = simulator.addApiKey({ kind: 'user', userId: user.id });
    simulator.addAccount({ subdomain: 'globex', region: 'eu' });
    simulator.addTeam({ name: 'SRE' });
    simulator.setAbility('teams', false);
    simulator.setRateLimit(1);
    simulator.inject({ status: 500 });
    simulator.reset();
    expect((await pagerduty.get('/teams')).body.teams).toEqual([]);
    expect((await pagerduty.get('/users')).body.users).toEqual([]);
    expect((await RestClient.withKey(simulator, userKey).get('/teams')).status).toBe(401);
    expect(simulator.accounts()).toHaveLength(1);
    expect(simulator.calls()).toHaveLength(3);
  });

  it('closes at once with a connection kept open and a delayed answer under way', async () => {
    const { port, hostname } = new URL(simulator.url);
    const idle = connect(Number(port), hostname);
    idle.on('error', () => undefined);
    await new Promise((resolve) => idle.once('connect', resolve));
    simulator.inject({ latencyMs: 60_000 });
    const slow = pagerduty.createTeam('SRE').then(
      () => 'answered',
      () => 'cut off',
    );
    while (simulator.calls().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const startedAt = Date.now();
    await simulator.close();
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    expect(await slow).toBe('cut off');
    expect(simulator.teams()).toEqual([]);
  });

  it('answers every call of a long pipeline with 20,000 users and 1,000 teams', async () => {
    simulator.setRateLimit(1_000_000);
    const users = simulator.addUsers(20_000);
    const teams = Array.from({ length: 1000 }, (_, index) => simulator.addTeam({ name: `Team ${index}` }));
    const calls = Array.from({ length: 2000 }, (_, index) => ({
      team: teams[index % 1000]!.id,
      user: users[(index * 7) % 20_000]!.id,
    }));
    const answers = await pipelinedPuts(
      simulator.url,
      pagerduty.authorization,
      calls.map(({ team, user }) => `/teams/${team}/users/${user}`),
    );
    expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(calls.map(() => 'HTTP/1.1 204'));
    const members = new Map(
      simulator.teams().map((team) => [team.id, new Set(team.members.map(({ id }) => id))]),
    );
    expect(calls.filter(({ team, user }) => !members.get(team)!.has(user))).toEqual([]);
  });
});

/** Sends all PUTs over one socket before the first is answered; resolves to everything that came back. */
function pipelinedPuts(url: string, authorization: string, paths: string[]): Promise<string> {
  const { port, hostname, host } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding('latin1');
  let answers = '';
  socket.on('data', (chunk: string) => (answers += chunk));
  socket.write(
    paths
      .map((path, index) => {
        const connection = index === paths.length - 1 ? 'close' : 'keep-alive';
        return `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${connection}\r\nauthorization: ${authorization}\r\naccept: ${HEADERS.accept}\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n`;
      })
      .join(''),
  );
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('end', () => resolve(answers));
  });
}
