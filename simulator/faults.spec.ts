import { askForToken, RestClient } from './spec-support/rest-client';
import { startSimulator, type FaultSpec, type Simulator } from './simulator';

let simulator: Simulator;
let pagerduty: RestClient;

beforeEach(async () => {
  simulator = await startSimulator();
  pagerduty = RestClient.withKey(simulator);
});

afterEach(() => simulator.close());

it('fails the given number of matching requests without an effect, and logs the fault', async () => {
  const fault = simulator.inject({ method: 'post', path: '/teams', status: 500, times: 2 });
  const statuses = [];
  for (const name of ['one', 'two', 'three']) statuses.push((await pagerduty.createTeam(name)).status);
  expect(statuses).toEqual([500, 500, 201]);
  expect(fault.hits()).toBe(2);
  expect(simulator.teams().map(({ name }) => name)).toEqual(['three']);
  expect(simulator.calls().map(({ faulted }) => faulted)).toEqual([fault.id, fault.id, undefined]);
  expect(simulator.faults()).toEqual([]);
});

it('does not change requests that it does not match, and ends when removed', async () => {
  const team = simulator.addTeam({ name: 'SRE' });
  const byPattern = simulator.inject({ path: /^\/teams\/[^/]+\/members\?/, status: 503 });
  const byPath = simulator.inject({ path: '/users', status: 502 });
  expect((await pagerduty.get(`/teams/${team.id}/members`)).status).toBe(200);
  expect((await pagerduty.get(`/teams/${team.id}/members?limit=1`)).status).toBe(503);
  expect((await pagerduty.get('/users?limit=1')).status).toBe(502);
  expect((await pagerduty.get('/users/PNOBODY')).status).toBe(404);
  byPattern.remove();
  expect((await pagerduty.get(`/teams/${team.id}/members?limit=1`)).status).toBe(200);
  simulator.clearFaults();
  expect((await pagerduty.get('/users')).status).toBe(200);
  expect(byPath.hits()).toBe(1);
});

it.each<[number, string, string | null]>([
  [400, '{"error":{"message":"Invalid Input Provided","code":2001,"errors":[]}}', 'application/json'],
  [401, '', null],
  [403, '{"error":{"message":"Access Denied","code":2010}}', 'application/json'],
  [404, '{"error":{"message":"Not Found","code":2100}}', 'application/json'],
  [408, '{"error":{"message":"Request Timeout","code":2016}}', 'application/json'],
  [429, '{"error":{"message":"Rate Limit Exceeded","code":2020}}', 'application/json'],
  [500, '{"error":{"message":"Internal Server Error","code":2000}}', 'application/json'],
  [502, '<html><body><h1>502</h1></body></html>', 'text/html'],
])('answers an injected %d as PagerDuty does, unless the fault has a body', async (status, text, type) => {
  simulator.inject({ status });
  const answer = await pagerduty.get('/teams');
  expect([answer.status, answer.text]).toEqual([status, text]);
  expect(answer.headers.get('content-type')?.split(';')[0] ?? null).toBe(type);
  expect(answer.headers.get('ratelimit-limit')).toBeNull();
});

it('sends the body, content type and headers it was given', async () => {
  simulator.inject({
    status: 429,
    body: '<html>too many</html>',
    headers: { 'ratelimit-reset': '7', 'retry-after': '3' },
    times: 1,
  });
  const html = await pagerduty.get('/teams');
  expect([html.status, html.text, html.headers.get('content-type')]).toEqual([
    429,
    '<html>too many</html>',
    'text/html',
  ]);
  expect([html.headers.get('ratelimit-reset'), html.headers.get('retry-after')]).toEqual(['7', '3']);
  simulator.inject({ status: 400, body: { error: ['odd'] }, contentType: 'application/problem+json' });
  const odd = await pagerduty.get('/teams');
  expect([odd.text, odd.headers.get('content-type')]).toEqual([
    '{"error":["odd"]}',
    'application/problem+json',
  ]);
});

it('delays a normal response', async () => {
  simulator.inject({ latencyMs: 120, times: 1 });
  const startedAt = Date.now();
  expect((await pagerduty.createTeam('SRE')).status).toBe(201);
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(110);
  expect(simulator.calls()[0]?.durationMs).toBeGreaterThanOrEqual(110);
});

it('drops the connection without an effect', async () => {
  simulator.inject({ method: 'POST', drop: true, times: 1 });
  await expect(pagerduty.createTeam('SRE')).rejects.toThrow();
  expect(simulator.teams()).toEqual([]);
  expect(simulator.calls()[0]).toMatchObject({ status: null, faulted: 'fault-1' });
  expect((await pagerduty.createTeam('SRE')).status).toBe(201);
});

it.each<[string, FaultSpec]>([
  ['the connection drops', { drop: true }],
  ['a 500 comes', { status: 500 }],
])('applies the request before %s, if the fault says so', async (_what, spec) => {
  simulator.inject({ ...spec, afterEffect: true, times: 1 });
  const outcome = await pagerduty.createTeam('SRE').then(
    ({ status }) => status,
    () => 'dropped',
  );
  expect(outcome).toBe(spec.status ?? 'dropped');
  expect(simulator.team('SRE')).toBeDefined();
  expect((await pagerduty.createTeam('SRE')).body.error.errors).toEqual(['Name has already been taken']);
});

it('applies the request before a long wait, so a client times out on a success', async () => {
  simulator.inject({ latencyMs: 60_000, afterEffect: true });
  const pending = pagerduty.createTeam('SRE').catch(() => 'cut off');
  while (!simulator.team('SRE')) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(simulator.calls()[0]?.status).toBeNull();
  await simulator.close();
  expect(await pending).toBe('cut off');
});

it('hits the same requests for the same seed, about as many as the probability', async () => {
  const run = async (seed: number) => {
    simulator.clearFaults();
    simulator.inject({ status: 503, probability: 0.3, seed });
    const hits: boolean[] = [];
    for (let call = 0; call < 100; call += 1) hits.push((await pagerduty.get('/abilities')).status === 503);
    return hits;
  };
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  expect(await run(8)).not.toEqual(first);
  const hit = first.filter(Boolean).length;
  expect(hit).toBeGreaterThan(15);
  expect(hit).toBeLessThan(45);
});

it('adds up delays, and the first fault with a failure decides', async () => {
  simulator.inject({ latencyMs: 60 });
  simulator.inject({ latencyMs: 60, status: 503, times: 1 });
  const other = simulator.inject({ status: 500, times: 1 });
  const startedAt = Date.now();
  expect((await pagerduty.get('/teams')).status).toBe(503);
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(110);
  expect(other.hits()).toBe(0);
  expect((await pagerduty.get('/teams')).status).toBe(500);
  expect((await pagerduty.get('/teams')).status).toBe(200);
});

it('can hit only one account, and also the token endpoint', async () => {
  const other = simulator.addAccount({ subdomain: 'globex', region: 'us' });
  const theirs = RestClient.withKey(simulator, other.addApiKey());
  simulator.inject({ account: 'us.globex', status: 503 });
  expect((await theirs.get('/teams')).status).toBe(503);
  expect((await pagerduty.get('/teams')).status).toBe(200);
  simulator.inject({ path: '/oauth/token', status: 500 });
  expect((await askForToken(simulator, {})).status).toBe(500);
});

it.each<[string, FaultSpec]>([
  ['status', {}],
  ['status', { status: 99 }],
  ['drop', { status: 500, drop: true }],
  ['latencyMs', { latencyMs: -1 }],
  ['times', { status: 500, times: 0 }],
  ['probability', { status: 500, probability: 2 }],
])('refuses a fault with an invalid %s', (field, spec) => {
  expect(() => simulator.inject(spec)).toThrow(field);
});
