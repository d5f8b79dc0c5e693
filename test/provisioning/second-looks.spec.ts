import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { betweenRuns, letTimePassSinceJoins } from './support/passing-time';
import { comeToReconciliation, reconciliationToEnd } from './support/reconciliation';

const email = (name: string) => `${name}@example.com`;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a look at the whole target that comes as a refused person is tried again', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const names = ['ada', 'bo', 'cy', 'dee'];
    for (const name of names) scimify.pagerDuty.addUser({ email: email(name) });
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
    await integration.scim.createGroup('On-call', [users.ada!, users.bo!, users.cy!]);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ method: 'DELETE', path: refusedPath(), status: 400 });
    await integration.scim.setActive(users.cy!, false);
    await waitFor('the removal to be refused', refusals, (calls) => calls.length > 0);
    await scimify.settled(integration, ['partial']);
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const team = () => scimify.pagerDuty.team('On-call')!;
  const refusedPath = () => `/teams/${team().id}/users/${personOf('cy')}`;
  const refusals = () => scimify.pagerDuty.calls({ method: 'DELETE', path: refusedPath() });
  const members = () => team().members.map((member) => member.email);
  const drift = async () => (await scimify.admin.get(`/integrations/${integration.id}/drift`)).body.items;
  const reconciliation = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/overview`)).body.reconciliation;
  const minutesToNextLook = async () => (Date.parse((await reconciliation()).nextAt) - Date.now()) / MINUTE;

  /** Makes the retry and the reconciliation due in one run. */
  const lookAsItIsTriedAgain = async () => {
    const before = refusals().length;
    const slowScan = scimify.pagerDuty.inject({ method: 'GET', path: /^\/users\?/, latencyMs: 500 });
    await betweenRuns(scimify, async (tx) => {
      const now = Date.now();
      await tx.query('UPDATE remote_group SET nextAttemptAt = ?, notBefore = NULL, lastWriteAt = ?', [
        now,
        now - HOUR,
      ]);
      await tx.query('UPDATE remote_member SET nextAttemptAt = ? WHERE nextAttemptAt IS NOT NULL', [now]);
      await tx.query('UPDATE integration_work SET reconcileAt = ?, dueAt = ?', [now, now]);
    });
    await waitFor('another try', refusals, (calls) => calls.length > before);
    await reconciliationToEnd(scimify, integration);
    slowScan.remove();
    await scimify.settled(integration, ['partial']);
  };

  it('puts back at once who was taken out by hand, whoever else the team is written to for', async () => {
    await letTimePassSinceJoins(scimify, HOUR);
    scimify.pagerDuty.removeMember(team().id, personOf('bo'));
    await lookAsItIsTriedAgain();
    await waitFor('bo to be put back', members, (there) => there.includes(email('bo')));
  });

  it('is followed by a second one in a few minutes, which tells who was put in by hand', async () => {
    scimify.pagerDuty.addMember(team().id, personOf('dee'));
    await lookAsItIsTriedAgain();
    expect(await drift()).toEqual([]);
    expect(await minutesToNextLook()).toBeLessThan(5);
    await comeToReconciliation(scimify, integration);
    await waitFor('dee to be told of', drift, ({ length }) => length > 0);
    expect(await drift()).toMatchObject([{ kind: 'member_extra', remoteUserId: personOf('dee') }]);
  });

  it('asks for no second one where the team is as it is known to be', async () => {
    await lookAsItIsTriedAgain();
    expect(await minutesToNextLook()).toBeGreaterThan(300);
  });

  it('is followed by one second look in an interval, however often the team is written to', async () => {
    scimify.pagerDuty.addMember(team().id, personOf('dee'));
    await lookAsItIsTriedAgain();
    expect(await minutesToNextLook()).toBeLessThan(5);
    await lookAsItIsTriedAgain();
    expect(await minutesToNextLook()).toBeGreaterThan(300);
    await scimify.app
      .get(TransactionRunner)
      .run((tx) =>
        tx.query('UPDATE integration_work SET secondLookAskedAt = secondLookAskedAt - ?', [6 * HOUR]),
      );
    await lookAsItIsTriedAgain();
    expect(await minutesToNextLook()).toBeLessThan(5);
  });
});
