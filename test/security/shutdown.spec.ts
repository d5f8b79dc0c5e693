import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { HttpClient } from '../support/http';
import { Installation, adminOf, scimOf, setUp } from '../support/installation';
import { GROUP_SCHEMA, type ScimClient } from '../support/scim-client';
import type { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';

describe('a process that is told to end', () => {
  let installation: Installation;
  let scimify: ScimifyProcess;
  let admin: HttpClient;
  let scim: ScimClient;
  let integrationId: string;
  let scimKey: string;

  beforeAll(async () => {
    installation = await Installation.create();
    scimify = await installation.start();
    admin = adminOf(scimify);
    ({ integrationId, scimKey } = await setUp(admin, installation.pagerDuty.addApiKey()));
    scim = scimOf(scimify, integrationId, scimKey);
  }, 60_000);

  afterAll(() => installation.remove());

  const refusesConnections = () =>
    fetch(`${scimify.url}/health/live`).then(
      () => false,
      () => true,
    );

  it('answers the request whose body is still on its way, and keeps what it says', async () => {
    const body = JSON.stringify({ schemas: [GROUP_SCHEMA], displayName: 'Late' });
    const outgoing: ClientRequest = request(`${scimify.url}/scim/v2/${integrationId}/Groups`, {
      method: 'POST',
      agent: false,
      headers: {
        Authorization: `Bearer ${scimKey}`,
        'Content-Type': 'application/scim+json',
        'Content-Length': body.length,
        Expect: '100-continue',
      },
    });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    outgoing.flushHeaders();
    // From then on the server works on the request.
    await once(outgoing, 'continue');
    outgoing.write(body.slice(0, 20));
    const ended = scimify.stop();
    await waitFor('new connections to be refused', refusesConnections, (refused) => refused);
    outgoing.end(body.slice(20));
    const [incoming] = await answered;
    incoming.resume();
    expect(incoming.statusCode).toBe(201);
    expect(await ended).toBe(0);
    await scimify.start();
    const { body: list } = await scim.get('/Groups?filter=displayName%20eq%20%22Late%22');
    expect(list.totalResults).toBe(1);
  }, 90_000);

  it('ends its call to PagerDuty and leaves the rest to the next one, which need not wait for a lease', async () => {
    installation.pagerDuty.inject({ method: 'POST', path: '/teams', latencyMs: 1_000 });
    const names = Array.from({ length: 4 }, (_, group) => `Team ${group}`);
    for (const name of names) await scim.createGroup(name);
    const creations = () =>
      installation.pagerDuty.calls().filter(({ method, path }) => method === 'POST' && path === '/teams');
    const before = creations().length;
    await waitFor(
      'a team to be made',
      () => creations().length,
      (count) => count > before,
    );
    expect(await scimify.stop()).toBe(0);
    installation.pagerDuty.clearFaults();
    const since = performance.now();
    await scimify.start();
    await waitFor(
      'the next process to make them all',
      () => installation.pagerDuty.teams().map(({ name }) => name),
      (made) => names.every((name) => made.includes(name)),
      60_000,
    );
    // A lease that was not released would last for half a minute.
    expect(performance.now() - since).toBeLessThan(25_000);
    const made = installation.pagerDuty.teams().map(({ name }) => name);
    expect([...made].sort()).toEqual([...new Set(made)].sort());
  }, 90_000);
});
