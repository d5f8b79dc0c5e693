import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('the account behind an integration', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let other: SimAccount;
  let otherKey: string;
  let ada: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    other = scimify.pagerDuty.addAccount({ subdomain: 'other', region: 'us' });
    otherKey = other.addApiKey();
    for (const account of [scimify.pagerDuty, other]) account.addUser({ email: 'ada@example.com' });
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    ada = await integration.scim.createUser('ada@example.com');
    await integration.scim.createGroup('Platform', [ada]);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const shown = async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body;

  const act = (verb: string, body?: object) =>
    scimify.admin.post(`/integrations/${integration.id}/${verb}`, body);

  const suspended = () =>
    waitFor('the suspension', shown, ({ suspension }) => suspension?.reason === 'account_mismatch');

  const teamsOf = (account: SimAccount) =>
    Object.fromEntries(account.teams().map(({ name, members }) => [name, members.map(({ email }) => email)]));

  const writes = () => scimify.pagerDuty.calls().filter(({ method }) => method !== 'GET');

  /** The same key in another account, as when PagerDuty gives a subdomain to another customer. */
  const moveKey = (from: SimAccount, to: SimAccount, key: string) => {
    scimify.pagerDuty.removeKey(key);
    to.addApiKey({ key });
    expect(from).not.toBe(to);
  };

  const startWithOwnKey = async () => {
    const key = scimify.pagerDuty.addApiKey();
    const answer = await act('rebind', { secret: key });
    expect(answer.status).toBe(200);
    await act('enable');
    await scimify.settled(integration);
    scimify.pagerDuty.clearCalls();
    return key;
  };

  it('stops everything when another one answers, until an admin puts it right', async () => {
    const key = await startWithOwnKey();
    await act('pause');
    moveKey(scimify.pagerDuty, other, key);
    await integration.scim.createGroup('Second', [ada]);
    await act('enable');
    const { suspension, account } = await suspended();
    expect(suspension).toMatchObject({ nextProbeAt: null });
    expect(suspension.message).toContain('https://other.pagerduty.com');
    expect(suspension.message).toContain('https://acme.pagerduty.com');
    expect(suspension.message).toContain('rebind');
    expect(account).toMatchObject({ name: 'acme' });
    expect(writes()).toEqual([]);
    expect(teamsOf(other)).toEqual({});

    // Neither a probe nor the return of the recorded account ends the suspension by itself.
    moveKey(other, scimify.pagerDuty, key);
    await act('sync');
    await integration.scim.createGroup('Third', [ada]);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await shown()).suspension).toMatchObject({ reason: 'account_mismatch' });
    expect(writes()).toEqual([]);

    const secret = await scimify.admin.put(`/integrations/${integration.id}/secret`, { secret: key });
    expect(secret.status).toBe(204);
    await waitFor(
      'every team',
      () => Object.keys(teamsOf(scimify.pagerDuty)).length,
      (count) => count === 3,
    );
    expect((await shown()).suspension).toBeNull();
    expect(teamsOf(other)).toEqual({});
  });

  it('is compared on every probe', async () => {
    const key = await startWithOwnKey();
    scimify.pagerDuty.disableKey(key);
    await integration.scim.createGroup('Second', [ada]);
    await waitFor('a suspension', shown, ({ suspension }) => suspension !== null);
    moveKey(scimify.pagerDuty, other, key);
    await act('sync');
    await suspended();
    expect(teamsOf(other)).toEqual({});
  });

  it('becomes another one by a rebind, with every group pushed anew and the old teams as they are', async () => {
    const answer = await act('rebind', { secret: otherKey });
    expect(answer).toMatchObject({
      status: 200,
      body: { mode: 'paused', suspension: null, account: null, connection: { status: 'unknown' } },
    });
    expect(JSON.stringify(answer.body)).not.toContain(otherKey);
    expect(await scimify.groups(integration)).toMatchObject([{ state: 'pending', remote: null }]);
    expect(teamsOf(other)).toEqual({});
    await act('enable');
    await scimify.settled(integration);
    expect(teamsOf(other)).toEqual({ Platform: ['ada@example.com'] });
    expect(teamsOf(scimify.pagerDuty)).toEqual({ Platform: ['ada@example.com'] });
    expect(await shown()).toMatchObject({ account: { name: 'other' } });
  });

  it('is freed by a rebind: another integration may adopt what this one held', async () => {
    const second = await scimify.createIntegration({ authMethod: 'api_key' });
    const [user] = await second.scim.createUsers(['ada@example.com']);
    await second.scim.createGroup('Platform', [user!]);
    const [blocked] = await scimify.settled(second, ['blocked']);
    expect(blocked).toMatchObject({ reason: 'team_claimed' });
    await act('rebind', { secret: otherKey });
    await scimify.admin.post(`/integrations/${second.id}/groups/${blocked.id}/retry`);
    await scimify.settled(second);
  });

  it('is rebound with what the provider accepts only', async () => {
    const wrong = await act('rebind', { settings: { authMethod: 'api_key', accountRegion: 'mars' } });
    expect(wrong.status).toBe(400);
    expect(wrong.body.errors[0].field).toBe('settings.accountRegion');
    for (const body of [{ secret: '' }, { secret: null }, { settings: 1 }, { mode: 'enabled' }]) {
      expect((await act('rebind', body)).status).toBe(400);
    }
    expect(await shown()).toMatchObject({ mode: 'enabled', account: { name: 'acme' } });
  });
});
