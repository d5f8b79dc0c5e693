import { TransactionRunner } from '../../src/database/transaction-runner';
import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

/** As another version may have stored them. */
const REFUSED = { authMethod: 'api_key', accountRegion: 'us', flavour: 'mild' };

describe('settings that another version stored, and this one does not accept', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    await integration.scim.createGroup('On-call');
    await scimify.app
      .get(TransactionRunner)
      .run((tx) =>
        tx.query('UPDATE integration SET settings = ? WHERE id = ?', [
          JSON.stringify(REFUSED),
          integration.id,
        ]),
      );
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
  });

  afterAll(() => scimify.stop());

  const shown = async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body;
  const suspended = () =>
    waitFor('it to be suspended', shown, ({ suspension }) => suspension?.reason === 'settings_refused');
  const events = async (action: string) =>
    (
      await scimify.admin.get(
        `/tenants/${integration.tenantId}/audit-events?integrationId=${integration.id}&action=${action}`,
      )
    ).body.items.length;

  it('suspend the integration once, which says what is wrong and is looked at again much later', async () => {
    const { suspension, connection } = await suspended();
    expect(suspension.message).toMatch(/flavour.*Change these settings/);
    expect(Date.parse(suspension.nextProbeAt)).toBeGreaterThan(Date.now() + 200_000);
    expect(connection).toMatchObject({ status: 'failed', reason: 'settings_refused' });
    await waitFor(
      'it to have nothing to do',
      () => scimify.app.get(WorkLedger).due(Date.now()),
      ({ length }) => length === 0,
    );
    expect(await events('integration.suspended')).toBe(1);
    expect(scimify.pagerDuty.calls()).toEqual([]);
  });

  it('fail the connection test, which says the same', async () => {
    await suspended();
    const { status, body } = await scimify.admin.post(`/integrations/${integration.id}/connection-test`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: false,
      checks: [{ id: 'settings_accepted', status: 'failed', message: expect.stringContaining('flavour') }],
    });
  });

  it('are waited for no longer once they are changed to others', async () => {
    await suspended();
    const path = `/integrations/${integration.id}`;
    const wrong = await scimify.admin.patch(path, { settings: { groupDescription: 'Ours' } });
    expect(wrong.status).toBe(400);
    expect((await scimify.admin.patch(path, { settings: { flavour: null } })).status).toBe(200);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [] });
    expect(await shown()).toMatchObject({ suspension: null, connection: { status: 'ok' } });
    expect(await events('integration.resumed')).toBe(1);
  });
});
