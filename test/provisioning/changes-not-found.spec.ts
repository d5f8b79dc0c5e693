import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';
import { letTimePass, letTimePassSinceCreations } from './support/passing-time';

const MINUTE = 60_000;
const SUBDOMAIN = 'acme-not-found';

describe('a team that PagerDuty shows, and does not find when it is to be changed', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let account: Awaited<ReturnType<typeof ownAccount>>['account'];
  let number = 0;
  let group: string;
  let team: string;
  let fault: ReturnType<Scimify['pagerDuty']['inject']>;

  beforeAll(async () => {
    scimify = await Scimify.start();
    const tenantId = await scimify.createTenant();
    const people = ['ada', 'bo', 'cy'];
    ({ integration, users, account } = await ownAccount(scimify, { tenantId, subdomain: SUBDOMAIN, people }));
  });

  beforeEach(async () => {
    number += 1;
    group = await integration.scim.createGroup(`Team ${number}`, [users.ada!, users.bo!]);
    await scimify.settled(integration);
    team = account.team(`Team ${number}`)!.id;
    fault = scimify.pagerDuty.inject({ method: 'PUT', path: `/teams/${team}`, status: 404 });
  });

  afterEach(async () => {
    fault.remove();
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
  });

  afterAll(() => scimify.stop());

  const until = (reason: string, state: string) =>
    waitFor(
      `the group to say ${reason}`,
      async () => (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body,
      (shown) => shown.reason === reason && shown.state === state,
    );
  const members = () =>
    account
      .team(team)!
      .members.map(({ email }) => email)
      .sort();

  it('keeps its name and says so, while people join and leave', async () => {
    await letTimePassSinceCreations(scimify, 5 * MINUTE);
    await integration.scim.renameGroup(group, 'Renamed');
    const shown = await until('change_not_found', 'partial');
    expect(shown.message).toContain('although it shows the team');
    expect(shown.remote).toMatchObject({ id: team, name: `Team ${number}` });
    await integration.scim.setActive(users.bo!, false);
    await integration.scim.addMembers(group, users.cy!);
    await waitFor(
      'one to leave and another one to join',
      () => Promise.resolve(members()),
      (emails) => emails.join() === ['ada', 'cy'].map((name) => addressIn(SUBDOMAIN, name)).join(),
    );
    await integration.scim.setActive(users.bo!, true);
  });

  it('has its new name by itself some minutes later', async () => {
    await letTimePassSinceCreations(scimify, 5 * MINUTE);
    await integration.scim.renameGroup(group, 'Renamed later');
    await until('change_not_found', 'partial');
    fault.remove();
    await letTimePass(scimify, MINUTE);
    await scimify.settled(integration);
    expect(account.team(team)).toMatchObject({ name: 'Renamed later' });
  });

  it('is said not to be visible yet where it was made a moment ago', async () => {
    await integration.scim.renameGroup(group, 'Renamed at once');
    await until('not_visible_yet', 'partial');
    fault.remove();
    await scimify.settled(integration);
    expect(account.team(team)).toMatchObject({ name: 'Renamed at once' });
  });

  it('stays, and says why, when its group is deleted', async () => {
    fault.remove();
    await letTimePassSinceCreations(scimify, 5 * MINUTE);
    fault = scimify.pagerDuty.inject({ method: 'DELETE', path: `/teams/${team}`, status: 404 });
    await integration.scim.delete(`/Groups/${group}`);
    await until('change_not_found', 'blocked');
    fault.remove();
    await letTimePass(scimify, MINUTE);
    await waitFor(
      'the team to be gone',
      () => Promise.resolve(account.team(team)),
      (found) => found === undefined,
    );
  });
});
