import { IntegrationEdits } from '../../src/integrations/integration-edits.service';
import { adminWithRole } from '../support/admin-keys';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('a change of an integration', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUser({ email: 'ada@example.com' });
  });

  afterEach(() => scimify.stop());

  const connect = async (authMethod: 'oauth' | 'api_key', policies?: object) => {
    integration = await scimify.createIntegration({ authMethod, policies });
  };
  const path = (rest = '') => `/integrations/${integration.id}${rest}`;
  const change = (body: object, admin = scimify.admin, headers: Record<string, string> = {}) =>
    admin.patch(path(), body, headers);
  const shown = async () => (await scimify.admin.get(path())).body;
  const decided = async () => {
    const { name, mode, settings, policies, revision } = await shown();
    return { name, mode, settings, policies, revision };
  };

  it('merges what is given into what is there', async () => {
    await connect('api_key', { guard: { teamPercent: 30, deletedTeams: 3 } });
    const { status, body } = await change({
      name: 'Production',
      settings: { groupDescription: 'From Okta' },
      policies: { unmanagedMembers: 'remove', guard: { teamPercent: 40 } },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'Production',
      settings: { authMethod: 'api_key', accountRegion: 'us', groupDescription: 'From Okta' },
      policies: {
        existingTeams: 'adopt',
        unmanagedMembers: 'remove',
        guard: { teamPercent: 40, deletedTeams: 3 },
      },
    });
    // The engine may read the account meanwhile. That is no part of the change.
    const { account: _account, connection: _connection, ...changed } = body;
    expect(await shown()).toMatchObject(changed);
  });

  it('takes the default where null is given', async () => {
    await connect('api_key', { onGroupDelete: 'leave', memberRole: 'manager', guard: { deletedTeams: 3 } });
    await change({ settings: { groupDescription: 'From Okta' } });
    const { body } = await change({
      settings: { groupDescription: null },
      policies: { onGroupDelete: null, memberRole: null, guard: { deletedTeams: null } },
    });
    expect(body.settings).toEqual({ authMethod: 'api_key', accountRegion: 'us' });
    expect(body.policies).toMatchObject({
      onGroupDelete: 'delete',
      memberRole: null,
      guard: { deletedTeams: 10 },
    });
  });

  it('is accepted as application/merge-patch+json, which it is', async () => {
    await connect('api_key');
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    expect(await change({ name: 'Production' }, scimify.admin, headers)).toMatchObject({
      status: 200,
      body: { name: 'Production' },
    });
  });

  it('is refused whole when anything of it is wrong', async () => {
    await connect('api_key');
    const before = await decided();
    for (const wrong of [
      { mode: 'enabled' },
      { name: null },
      { name: '' },
      { policies: null },
      { policies: { existingTeams: 'maybe' } },
      { policies: { reconcileEveryMinutes: 1 } },
      { policies: { guard: { teamPercent: 101 } } },
      { policies: [] },
      { policies: { guard: [] } },
      { policies: { guard: [{ teamPercent: 7 }] } },
      { name: 'Fine', policies: { unknown: true } },
      { name: 'Fine', settings: { accountRegion: 'mars' } },
      { name: 'Fine', settings: { apiUrl: 'https://attacker.example' } },
    ]) {
      expect([wrong, (await change(wrong)).status]).toEqual([wrong, 400]);
    }
    expect(await decided()).toEqual(before);
  });

  it('is refused with 412 when somebody else changed it since it was read', async () => {
    await connect('api_key');
    const read = await scimify.admin.get(path());
    const etag = read.headers.get('etag')!;
    expect(etag).toBe(`"${read.body.revision}"`);
    const mine = await change({ name: 'Mine' }, scimify.admin, { 'If-Match': etag });
    expect(mine.status).toBe(200);
    expect(mine.headers.get('etag')).not.toBe(etag);
    const theirs = { 'If-Match': etag };
    expect(await change({ name: 'Theirs' }, scimify.admin, theirs)).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed' },
    });
    expect((await scimify.admin.post(path('/disable'), undefined, theirs)).status).toBe(412);
    expect((await scimify.admin.post(path('/rebind'), {}, theirs)).status).toBe(412);
    expect((await scimify.admin.put(path('/secret'), { secret: 'x' }, theirs)).status).toBe(412);
    expect((await scimify.admin.delete(path(), theirs)).status).toBe(412);
    expect(await shown()).toMatchObject({ name: 'Mine', mode: 'enabled', deletingSince: null });
    const current = { 'If-Match': mine.headers.get('etag')! };
    expect((await scimify.admin.post(path('/pause'), undefined, current)).status).toBe(200);
  });

  it('lets one of two who read the same win', async () => {
    await connect('api_key');
    const headers = { 'If-Match': (await scimify.admin.get(path())).headers.get('etag')! };
    const answers = await Promise.all(
      ['One', 'Two', 'Three'].map((name) => change({ name }, scimify.admin, headers)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(200);
    expect(statuses.slice(1).every((status) => status === 412 || status === 409)).toBe(true);
  });

  it('needs an owner for the guard and for what names the account', async () => {
    await connect('oauth');
    const admin = await adminWithRole(scimify, integration.tenantId, 'admin');
    const owner = await adminWithRole(scimify, integration.tenantId, 'owner');
    expect((await change({ policies: { existingTeams: 'fail' } }, admin)).status).toBe(200);
    expect((await change({ settings: { groupDescription: 'From Okta' } }, admin)).status).toBe(200);
    expect((await change({ policies: { guard: { teamPercent: 0 } } }, admin)).status).toBe(403);
    expect((await change({ settings: { clientId: 'another' } }, admin)).status).toBe(403);
    expect((await change({ policies: { guard: { teamPercent: 0 } } }, owner)).status).toBe(200);
  });

  it('of what names the account is tried before it is stored', async () => {
    await connect('oauth');
    const user = await integration.scim.createUser('ada@example.com');
    await integration.scim.createGroup('On-call', [user]);
    await scimify.settled(integration);
    const before = await shown();
    const wrong = await change({ settings: { clientId: 'no-such-client' } });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'secret_refused' } });
    const space = await change({ settings: { accountSubdomain: 'acme corp' } });
    expect(space).toMatchObject({ status: 400, body: { errors: [{ field: 'settings.accountSubdomain' }] } });
    expect(await shown()).toEqual(before);
    const { items } = (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=integration.changed`)
    ).body;
    expect(items).toMatchObject([{ outcome: 'failed', detail: { reason: expect.any(String) } }]);
  });

  it('of what names the account is not stored where that becomes known to be another one meanwhile', async () => {
    const { clientId, clientSecret: secret } = scimify.pagerDuty.addOAuthClient();
    const beta = scimify.pagerDuty.addAccount({ subdomain: 'beta', region: 'us' });
    beta.addUser({ email: 'owner@beta.example', role: 'owner' });
    const theirs = beta.addOAuthClient({ clientSecret: secret });
    integration = await scimify.createIntegration({ enable: false, settings: { clientId }, secret });
    const { settings } = await shown();
    const edits = scimify.app.get(IntegrationEdits);
    const prepare = edits.prepare.bind(edits);
    jest.spyOn(edits, 'prepare').mockImplementationOnce(async (...asked) => {
      const edit = await prepare(...asked);
      expect((await scimify.admin.post(path('/connection-test'))).body.ok).toBe(true);
      return edit;
    });
    const moved = await change({ settings: { clientId: theirs.clientId, accountSubdomain: 'beta' } });
    expect(moved).toMatchObject({ status: 409, body: { code: 'account_mismatch' } });
    expect(await shown()).toMatchObject({ settings, account: { name: 'acme' } });
    const { items } = (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=integration.changed`)
    ).body;
    expect(items).toMatchObject([{ outcome: 'failed', detail: { reason: 'account_mismatch' } }]);
  });

  it('of a policy is applied to what is there', async () => {
    await connect('api_key', { existingTeams: 'fail' });
    scimify.pagerDuty.addTeam({ name: 'On-call' });
    const user = await integration.scim.createUser('ada@example.com');
    await integration.scim.createGroup('On-call', [user]);
    await scimify.settled(integration, ['blocked']);
    await change({ policies: { existingTeams: 'adopt' } });
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': ['ada@example.com'] });
  });

  it('of the interval has the target looked at as a whole sooner', async () => {
    await connect('api_key');
    await integration.scim.createGroup('On-call', []);
    await scimify.settled(integration);
    const reconcileAt = async () => {
      const { nextReconciliationAt } = (await scimify.admin.get(path('/overview'))).body;
      return nextReconciliationAt === null ? null : Date.parse(nextReconciliationAt);
    };
    await waitFor('a time', reconcileAt, (time) => time !== null);
    await change({ policies: { reconcileEveryMinutes: 15 } });
    await waitFor('an earlier time', reconcileAt, (time) => time! <= Date.now() + 15 * 60_000);
  });

  it('is written down with what was and what is', async () => {
    await connect('api_key');
    await change({ name: 'Production', policies: { guard: { teamPercent: 60 } } });
    await change({ name: 'Production' });
    const { items } = (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=integration.changed`)
    ).body;
    expect(items).toMatchObject([
      {
        actor: { name: 'SCIMIFY_ADMIN_KEY' },
        target: { type: 'integration', id: integration.id },
        detail: {
          changes: [
            { field: 'name', from: 'PagerDuty', to: 'Production' },
            { field: 'policies.guard.teamPercent', from: 50, to: 60 },
          ],
        },
      },
    ]);
  });

  it('by a rebind is written down like any other, and never the secret', async () => {
    await connect('api_key');
    await change({ settings: { groupDescription: 'From Okta' } });
    const secret = scimify.pagerDuty.addApiKey();
    const settings = { authMethod: 'api_key', groupDescription: 'From Entra' };
    expect((await scimify.admin.post(path('/rebind'), { settings, secret })).status).toBe(200);
    expect((await scimify.admin.post(path('/rebind'), {})).status).toBe(200);
    const { items } = (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=integration.rebound`)
    ).body;
    expect(items.map(({ detail }: { detail: { changes: object[] } }) => detail.changes)).toEqual([
      [],
      [{ field: 'settings.groupDescription', from: 'From Okta', to: 'From Entra' }],
    ]);
    expect(JSON.stringify(items)).not.toContain(secret);
  });
});
