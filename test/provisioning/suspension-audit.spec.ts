import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation } from './support/reconciliation';

const NAMES = ['One', 'Two', 'Three', 'Four'];

describe('the end of a suspension', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let key: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    key = scimify.pagerDuty.addApiKey();
    integration = await scimify.createIntegration({ authMethod: 'api_key', secret: key });
    // Teams that were made a moment ago might just not be visible yet.
    for (const name of NAMES) scimify.pagerDuty.addTeam({ name });
    for (const name of NAMES) await integration.scim.createGroup(name);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const path = (rest = '') => `/integrations/${integration.id}${rest}`;
  const shown = async () => (await scimify.admin.get(path())).body;
  const untilSuspended = (reason: string) =>
    waitFor('the suspension', shown, ({ suspension }) => suspension?.reason === reason);
  const untilResumed = () => waitFor('no suspension', shown, ({ suspension }) => suspension === null);

  const suspend = async () => {
    scimify.pagerDuty.disableKey(key);
    await integration.scim.createGroup('Five');
    await untilSuspended('unauthorized');
  };

  const audited = async (): Promise<any[]> => {
    const { body } = await scimify.admin.get(
      `/tenants/${integration.tenantId}/audit-events?targetId=${integration.id}&limit=200`,
    );
    return body.items
      .filter(({ action }: any) => ['integration.suspended', 'integration.resumed'].includes(action))
      .reverse();
  };

  const byItself = { kind: 'system', name: 'provisioning' };
  const byAdmin = { kind: 'admin_key', name: 'SCIMIFY_ADMIN_KEY' };
  const expectAudited = async (actor: object, reason = 'unauthorized') =>
    expect(await audited()).toMatchObject([
      { action: 'integration.suspended', outcome: 'failed', detail: { reason } },
      { action: 'integration.resumed', outcome: 'succeeded', actor, detail: { reason } },
    ]);

  it('that comes by itself is written down as done by Scimify', async () => {
    await suspend();
    scimify.pagerDuty.removeKey(key);
    scimify.pagerDuty.addApiKey({ key });
    await scimify.admin.post(path('/sync'));
    await untilResumed();
    await expectAudited(byItself);
  });

  it('by a new secret is the admin’s who gave it', async () => {
    await suspend();
    const secret = scimify.pagerDuty.addApiKey();
    expect((await scimify.admin.put(path('/secret'), { secret })).status).toBe(204);
    await scimify.settled(integration);
    await expectAudited(byAdmin);
  });

  it('by a connection test that passes is the admin’s who asked for it', async () => {
    await suspend();
    await scimify.admin.post(path('/connection-test'));
    expect(await audited()).toHaveLength(1);
    scimify.pagerDuty.removeKey(key);
    scimify.pagerDuty.addApiKey({ key });
    await scimify.admin.post(path('/connection-test'));
    await scimify.settled(integration);
    await expectAudited(byAdmin);
  });

  it.each([
    ['a rebind', () => scimify.admin.post(path('/rebind'), { secret: scimify.pagerDuty.addApiKey() })],
    ['a deletion', () => scimify.admin.delete(path('?teams=release'))],
  ])('by %s is the admin’s who asked for it', async (_, act) => {
    await suspend();
    expect((await act()).status).toBeLessThan(300);
    expect((await audited()).slice(0, 2)).toMatchObject([
      { action: 'integration.suspended' },
      { action: 'integration.resumed', actor: byAdmin, detail: { reason: 'unauthorized' } },
    ]);
  });

  it('that shows itself once an admin has changed something is written down as done by Scimify', async () => {
    const other = scimify.pagerDuty.addAccount({ subdomain: 'other', region: 'us' });
    other.addUser({ email: 'ada@example.com' });
    const moveKeyTo = (account: Pick<SimAccount, 'addApiKey'>) => {
      scimify.pagerDuty.removeKey(key);
      account.addApiKey({ key });
    };
    moveKeyTo(other);
    expect((await scimify.admin.patch(path(), { name: 'Renamed' })).status).toBe(200);
    await integration.scim.createGroup('Five');
    await untilSuspended('account_mismatch');
    moveKeyTo(scimify.pagerDuty);
    await scimify.admin.patch(path(), { name: 'Renamed again' });
    await untilResumed();
    await expectAudited(byItself, 'account_mismatch');
  });

  it('by an admin who accepts that teams are gone is theirs', async () => {
    for (const { id } of scimify.pagerDuty.teams()) scimify.pagerDuty.removeTeam(id);
    await beginReconciliation(scimify, integration);
    await untilSuspended('visibility_lost');
    await scimify.admin.post(path('/reconcile'), { acceptMissingTeams: true });
    await waitFor(
      'the teams to be there again',
      () => scimify.pagerDuty.teams().length,
      (count) => count === NAMES.length,
    );
    await expectAudited(byAdmin, 'visibility_lost');
  });
});
