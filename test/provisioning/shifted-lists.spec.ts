import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation, reconciliationToEnd } from './support/reconciliation';

/** The last people by name: the first page of users, which is read anyway, does not show their team. */
const PEOPLE = ['zoe', 'zuri'];
const OTHER_TEAMS = 104;
const PAGE = 100;
const email = (name: string) => `${name}@example.com`;

describe('a reconciliation of few teams in a large account, in which nobody but the list of teams tells of a team', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  let group: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(Array.from({ length: 620 }, (_, user) => ({ email: email(`filler${user}`) })));
    for (const name of PEOPLE) scimify.pagerDuty.addUser({ email: email(name), name });
    for (let team = 0; team < OTHER_TEAMS; team++)
      scimify.pagerDuty.addTeam({ name: `T${String(team).padStart(3, '0')}` });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = await integration.scim.createUsers(PEOPLE.map(email));
    // The first team of the second page.
    group = await integration.scim.createGroup('T099x', users);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const teamId = () => scimify.pagerDuty.team('T099x')!.id;
  const reconciliation = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/overview`)).body.reconciliation;
  const drift = async () => (await scimify.admin.get(`/integrations/${integration.id}/drift`)).body.items;
  const asked = (id: string) => scimify.pagerDuty.calls({ method: 'GET', path: `/teams/${id}` });

  it('does not take a team for deleted that slipped between two pages of the list, and looks again soon', async () => {
    const id = teamId();
    expect(scimify.pagerDuty.teams().findIndex((team) => team.id === id)).toBe(PAGE);
    const secondPage = scimify.pagerDuty.inject({
      method: 'GET',
      path: /^\/teams\?.*offset=100/,
      latencyMs: 1_500,
      times: 1,
    });
    scimify.pagerDuty.clearCalls();
    await beginReconciliation(scimify, integration);
    await waitFor('the second page to be asked for', secondPage.hits, (hits) => hits > 0);
    scimify.pagerDuty.removeTeam(scimify.pagerDuty.team('T000')!.id);
    scimify.pagerDuty.addTeam({ name: 'Zzz' });
    await waitFor(
      'the team itself to be asked for',
      () => asked(id).length,
      (calls) => calls > 0,
    );
    await waitFor(
      'a look that saw everything',
      reconciliation,
      ({ lastCompletedAt, problem }) => lastCompletedAt !== null && problem === null,
    );
    await scimify.settled(integration);
    expect(asked(id)).toHaveLength(1);
    expect(await drift()).toEqual([]);
    const [shown] = await scimify.groups(integration);
    expect(shown.remote).toMatchObject({ id, ownership: 'created' });

    await integration.scim.removeMembers(group, users[1]!);
    await waitFor(
      'the leaver to be out',
      () => scimify.teams()['T099x']!,
      (emails) => emails.length === 1,
    );
  }, 30_000);

  it('asks once for a team that was deleted, and makes it again', async () => {
    const id = teamId();
    scimify.pagerDuty.removeTeam(id);
    scimify.pagerDuty.clearCalls();
    await beginReconciliation(scimify, integration);
    await reconciliationToEnd(scimify, integration);
    await scimify.settled(integration);
    expect(scimify.teams()['T099x']).toEqual(PEOPLE.map(email));
    expect(asked(id)).toHaveLength(1);
    expect(await drift()).toMatchObject([{ kind: 'team_missing', groupId: group }]);
  });

  it('concludes nothing of a team that the list lacks and that cannot be asked for', async () => {
    const id = teamId();
    scimify.pagerDuty.removeTeam(id);
    const away = scimify.pagerDuty.inject({ method: 'GET', path: `/teams/${id}`, status: 503 });
    await beginReconciliation(scimify, integration);
    await waitFor('the overview to say so', reconciliation, ({ problem }) => problem !== null);
    expect(await drift()).toEqual([]);
    expect((await scimify.groups(integration))[0].remote.id).toBe(id);
    away.remove();
    await waitFor(
      'the team to be there again',
      () => scimify.teams()['T099x'] ?? [],
      (emails) => emails.length === PEOPLE.length,
      20_000,
    );
  }, 30_000);
});
