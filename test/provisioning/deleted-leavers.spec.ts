import { DataSource } from 'typeorm';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
/** The sweep removes the rows of deleted users every five seconds. */
const SWEPT_WITHIN_MS = 15_000;

describe('somebody whom the IdP deleted', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let ids: string[];
  let group: string;

  const begin = async (policies: object) => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies });
    for (const name of ['ada', 'bo', 'cy']) scimify.pagerDuty.addUser({ email: email(name) });
    ids = await integration.scim.createUsers(['ada', 'bo', 'cy'].map(email));
    group = await integration.scim.createGroup('On-call', ids);
    await scimify.settled(integration);
  };
  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const member = async (userName: string) =>
    (await scimify.members(integration, group)).find((shown) => shown.userName === userName);

  /** Waits until a user that was deleted at the same time, and is in no team, is gone. */
  const swept = async () => {
    const [stranger] = await integration.scim.createUsers(['nowhere@example.com']);
    await integration.scim.delete(`/Users/${stranger}`);
    await waitFor(
      'the rows of the deleted to go',
      () => scimify.app.get(DataSource).query('SELECT id FROM scim_user WHERE id = ?', [stranger]),
      (rows) => rows.length === 0,
      SWEPT_WITHIN_MS,
    );
  };

  it('is forgotten, and whom of PagerDuty they were, once they have left every team', async () => {
    await begin(WITHOUT_GUARD);
    const linksOf = (userId: string) =>
      scimify.app
        .get(DataSource)
        .query<unknown[]>('SELECT remoteUserId FROM remote_user WHERE userId = ?', [userId]);
    expect(await linksOf(ids[0]!)).toEqual([{ remoteUserId: personOf('ada') }]);
    await integration.scim.delete(`/Users/${ids[0]}`);
    await waitFor(
      'ada to be forgotten',
      () => linksOf(ids[0]!),
      (links) => links.length === 0,
      SWEPT_WITHIN_MS,
    );
    expect(scimify.teams()).toEqual({ 'On-call': [email('bo'), email('cy')] });
    expect(await linksOf(ids[1]!)).toEqual([{ remoteUserId: personOf('bo') }]);
  }, 60_000);

  it('and whom PagerDuty keeps in a team is named by it until they are let go', async () => {
    await begin(WITHOUT_GUARD);
    const team = scimify.pagerDuty.team('On-call')!.id;
    scimify.pagerDuty.associate(team, 'Escalation Policies', { userIds: [personOf('ada')] });
    await integration.scim.delete(`/Users/${ids[0]}`);
    const refused = await waitFor(
      'the refusal',
      () => member(email('ada')),
      (ada) => ada?.reason === 'leaver_still_on_team',
    );
    expect(refused).toMatchObject({ userId: ids[0], email: email('ada'), state: 'removing' });
    await swept();
    expect(await member(email('ada'))).toEqual(refused);
    expect((await integration.scim.get(`/Users/${ids[0]}`)).status).toBe(404);

    scimify.pagerDuty.dissociate(team, 'Escalation Policies');
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
    expect(await member(email('ada'))).toBeUndefined();
    await waitFor(
      'her row to go',
      () => scimify.app.get(DataSource).query('SELECT id FROM scim_user WHERE id = ?', [ids[0]]),
      (rows) => rows.length === 0,
      SWEPT_WITHIN_MS,
    );
  }, 60_000);

  it('and whose removal is held is named by the held change and by the team', async () => {
    await begin({ guard: { ...WITHOUT_GUARD.guard, teamPercent: 30, teamMembers: 1 } });
    await integration.scim.delete(`/Users/${ids[0]}`);
    await waitFor(
      'the removal to be held',
      () => member(email('ada')),
      (ada) => ada?.reason === 'mass_change_held',
    );
    await swept();
    expect(await member(email('ada'))).toMatchObject({ state: 'removing', reason: 'mass_change_held' });
    const { body } = await scimify.admin.get(`/integrations/${integration.id}/held-changes`);
    expect(body.items[0].items).toMatchObject([{ userName: email('ada'), remoteUserId: personOf('ada') }]);
  }, 60_000);
});
