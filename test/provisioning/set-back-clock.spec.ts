import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

jest.setTimeout(120_000);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const email = (name: string) => `${name}@example.com`;

describe('a clock that is set back by an hour', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let restoreClock: () => void;

  beforeEach(async () => {
    restoreClock = () => undefined;
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const names = ['ada', 'bo', 'cy'];
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  });

  afterEach(async () => {
    restoreClock();
    await scimify.stop();
  });

  const setClockBack = () => {
    const before = Date.now;
    Date.now = () => before() - HOUR;
    restoreClock = () => (Date.now = before);
  };
  const shown = async (group: string) =>
    (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body;
  const waitOf = async (group: string) => Date.parse((await shown(group)).nextAttemptAt) - Date.now();

  it('delays no attempt of a back-off: what had seconds to wait waits for seconds', async () => {
    const fault = scimify.pagerDuty.inject({
      method: 'POST',
      path: /^\/teams$/,
      status: 429,
      headers: { 'ratelimit-reset': '8', 'retry-after': '8' },
    });
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await waitFor(
      'a back-off',
      () => shown(group),
      ({ nextAttemptAt }) => nextAttemptAt !== null && Date.parse(nextAttemptAt) > Date.now() + 2_000,
    );
    setClockBack();
    fault.remove();
    await waitFor(
      'the team',
      () => scimify.teams()['On-call'],
      (emails) => emails?.join() === email('ada'),
      40_000,
    );
  });

  it('leaves each wait as long as it was: a person who is looked for again, a reconciliation', async () => {
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.cy!]);
    await waitFor(
      'cy to be looked for again later',
      () => waitOf(group),
      (wait) => wait > MINUTE,
    );
    const overview = async () => (await scimify.admin.get(`/integrations/${integration.id}/overview`)).body;
    const reconciledIn = async () => Date.parse((await overview()).reconciliation.nextAt) - Date.now();
    const before = { attempt: await waitOf(group), reconciliation: await reconciledIn() };
    setClockBack();
    await waitFor(
      'the waits to be as long as they were',
      async () => ({ attempt: await waitOf(group), reconciliation: await reconciledIn() }),
      (now) => now.attempt <= before.attempt && now.reconciliation <= before.reconciliation,
    );
    expect(await waitOf(group)).toBeGreaterThan(0);

    // The engine does not shorten a wait that begins after the change of the clock.
    await letTimePass(scimify, 10 * MINUTE);
    await waitFor(
      'the second look for cy',
      () => waitOf(group),
      (wait) => wait > 20 * MINUTE && wait <= 30 * MINUTE,
    );
  });

  it('ends at a start what would wait for longer than anything may', async () => {
    const fault = scimify.pagerDuty.inject({
      method: 'PUT',
      path: /^\/teams\/[^/]+\/users\//,
      status: 503,
    });
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration, ['retrying']);
    await waitFor('failures', fault.hits, (hits) => hits >= 2);
    // As if the clock had been an hour ahead when this was written down.
    await letTimePass(scimify, -HOUR);
    fault.remove();
    expect(await waitOf(group)).toBeGreaterThan(30 * MINUTE);
    await scimify.restart();
    await waitFor(
      'ada to be on call',
      () => scimify.teams()['On-call'],
      (emails) => emails?.join() === email('ada'),
    );
  });
});
