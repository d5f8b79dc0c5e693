import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const NAMES = ['One', 'Two', 'Three', 'Four'];
const MEMBERS = /^\/teams\/[^/]+\/users\//;

describe('a write that the credential may not make', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let key: string;
  let ada: string;
  let bo: string;
  let groups: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo']) scimify.pagerDuty.addUser({ email: `${name}@example.com` });
    key = scimify.pagerDuty.addApiKey();
    integration = await scimify.createIntegration({
      authMethod: 'api_key',
      secret: key,
      policies: WITHOUT_GUARD,
    });
    [ada, bo] = (await integration.scim.createUsers(['ada@example.com', 'bo@example.com'])) as [
      string,
      string,
    ];
    groups = {};
    for (const name of NAMES) groups[name] = await integration.scim.createGroup(name, [ada]);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const shown = async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body;
  const sync = () => scimify.admin.post(`/integrations/${integration.id}/sync`);
  const untilSuspended = () => waitFor('a suspension', shown, ({ suspension }) => suspension !== null);
  const addBoTo = async (...names: string[]) => {
    for (const name of names) await integration.scim.addMembers(groups[name]!, bo);
  };
  const withBo = () =>
    Object.entries(scimify.teams())
      .filter(([, emails]) => emails.includes('bo@example.com'))
      .map(([name]) => name)
      .sort();

  const exchangeKey = (readOnly: boolean) => {
    scimify.pagerDuty.removeKey(key);
    scimify.pagerDuty.addApiKey({ key, readOnly });
  };

  /** Waits until a probe has failed and has postponed the next one. */
  const probe = async () => {
    scimify.pagerDuty.clearCalls();
    await sync();
    await waitFor(
      'a probe that failed',
      async () => ({ ...(await shown()), calls: scimify.pagerDuty.calls().length }),
      ({ suspension, calls }) =>
        calls > 0 && suspension !== null && Date.parse(suspension.nextProbeAt) > Date.now() + 200_000,
    );
  };

  it('stops the whole integration when several groups meet it, until such a write succeeds', async () => {
    exchangeKey(true);
    await addBoTo('One', 'Two', 'Three');
    const { suspension, connection } = await untilSuspended();
    expect(suspension).toMatchObject({
      reason: 'access_denied',
      message: expect.stringContaining('not read-only'),
      nextProbeAt: expect.any(String),
    });
    expect(connection).toMatchObject({ status: 'failed', reason: 'access_denied' });
    for (const { state, displayName } of await scimify.groups(integration)) {
      expect(`${displayName} ${state}`).toMatch(displayName === 'Four' ? /synced/ : /partial|blocked/);
    }

    // The key can read the account all the time, which proves nothing.
    const { since } = (await shown()).suspension;
    await probe();
    expect((await shown()).suspension.since).toBe(since);
    expect(withBo()).toEqual([]);

    exchangeKey(false);
    await sync();
    await scimify.settled(integration);
    expect(withBo()).toEqual(['One', 'Three', 'Two']);
    expect(await waitFor('no suspension', shown, (seen) => seen.suspension === null)).toMatchObject({
      connection: { status: 'ok', reason: null },
    });
  });

  it('is tried again for every group at the probe, not an hour later', async () => {
    scimify.pagerDuty.inject({ method: 'PUT', path: MEMBERS, status: 403 });
    await addBoTo('One', 'Two', 'Three');
    const { suspension } = await untilSuspended();
    for (const group of await scimify.groups(integration)) {
      if (group.displayName === 'Four') continue;
      expect(group).toMatchObject({ reason: 'access_denied', nextAttemptAt: suspension.nextProbeAt });
    }
  });

  it('on one group alone stops no other, and is tried again on demand', async () => {
    const { id } = scimify.pagerDuty.team('One')!;
    const fault = scimify.pagerDuty.inject({ path: new RegExp(`^/teams/${id}/`), status: 403 });
    await addBoTo('One', 'Two', 'Three');
    const isDone = (seen: any[]) => seen.filter(({ state }) => state === 'synced').length === 3;
    const all = await waitFor('the others to be synced', () => scimify.groups(integration), isDone);
    expect(all.find(({ displayName }) => displayName === 'One')).toMatchObject({
      state: 'partial',
      reason: 'access_denied',
    });
    expect((await shown()).suspension).toBeNull();
    expect(withBo()).toEqual(['Three', 'Two']);
    fault.remove();
    await scimify.admin.post(`/integrations/${integration.id}/groups/${groups.One}/retry`);
    await scimify.settled(integration);
    expect(withBo()).toEqual(['One', 'Three', 'Two']);
  });
});
