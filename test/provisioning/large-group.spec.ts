import { fillWithUsers, userName as email } from '../scim/scale/support/directory';
import { QueryLog } from '../support/query-log';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const MEMBERS = Number(process.env.LARGE_GROUP_MEMBERS ?? 50_000);
const IN_PAGERDUTY = 600;
const TEAM_SIZE = 500;

describe(`a group of ${MEMBERS}`, () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let group: string;
  let users: string[];

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
    scimify.pagerDuty.addUsers(Array.from({ length: IN_PAGERDUTY }, (_, user) => ({ email: email(user) })));
    users = await fillWithUsers(scimify, integration, MEMBERS + 1);
    group = await integration.scim.createGroup('Everybody', users.slice(0, MEMBERS));
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration, ['partial'], 120_000);
  }, 240_000);

  afterAll(() => scimify.stop());

  it('fills its team and says of everybody else why they are not in it', async () => {
    expect(scimify.teams().Everybody).toHaveLength(TEAM_SIZE);
    const [shown] = await scimify.groups(integration);
    expect(shown).toMatchObject({
      state: 'partial',
      members: { desired: MEMBERS, applied: TEAM_SIZE, pending: MEMBERS - TEAM_SIZE },
    });
    const blocked = await scimify.admin.get(
      `/integrations/${integration.id}/groups/${group}/members?state=blocked&limit=200`,
    );
    expect(blocked.body.items).toHaveLength(IN_PAGERDUTY - TEAM_SIZE);
    expect(blocked.body.items[0]).toMatchObject({
      reason: 'team_full',
      message: expect.stringContaining('500'),
    });
  });

  it.each([
    ['applied', TEAM_SIZE],
    ['blocked', IN_PAGERDUTY - TEAM_SIZE],
  ])('lists everybody once in pages who is %s', async (state, expected) => {
    const listed: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: any = await scimify.admin.get(
        `/integrations/${integration.id}/groups/${group}/members?state=${state}&limit=30${cursor && `&cursor=${cursor}`}`,
      );
      listed.push(...body.items.map(({ userId }: { userId: string }) => userId));
      cursor = body.nextCursor;
    }
    expect(listed).toHaveLength(expected);
    expect(listed).toEqual([...new Set(listed)].sort());
  });

  it('plans one added member by reading a bounded number of rows', async () => {
    const log = QueryLog.attach(scimify.app);
    await integration.scim.addMembers(group, users[MEMBERS]!);
    await waitFor(
      'the new member to be looked at',
      () => scimify.admin.get(`/integrations/${integration.id}/groups/${group}`),
      ({ body }) => body.state === 'partial' && body.generation === body.appliedGeneration,
    );
    const queries = (await log.explained()).filter(
      ({ sql }) => LARGE_TABLES.test(sql) && !isStatusQuery(sql),
    );
    expect(queries.filter(({ scansTable }) => scansTable).map(({ sql }) => sql)).toEqual([]);
    const pairQueries = queries.filter(({ sql }) =>
      /member_change|group_member|remote_user|parked_member/.test(sql),
    );
    expect(pairQueries.length).toBeGreaterThan(0);
    // Queries for single members contain only this member's ids.
    for (const { parameters } of pairQueries) expect(parameters.length).toBeLessThan(10);
  });

  it('gives a place that becomes free to one of those who wait', async () => {
    await integration.scim.removeMembers(group, users[0]!);
    await waitFor(
      'somebody to follow',
      () => scimify.teams().Everybody!,
      (emails) => emails.length === TEAM_SIZE && !emails.includes(email(0)),
    );
  });
});

/** Tables that hold a row for each member. A database may well scan a table of three rows. */
const LARGE_TABLES = /scim_user|group_member|member_change|remote_user|remote_member|parked_member/;

/** What the test itself asks through the admin API. */
function isStatusQuery(sql: string): boolean {
  return sql.includes('deletingSince AS deletingSince') || sql.includes('GROUP BY m.groupId');
}
