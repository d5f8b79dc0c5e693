import { TransactionRunner } from '../../src/database/transaction-runner';
import { ChangeMarks } from '../../src/directory/change-marks';
import type { Answer } from '../support/http';
import { GROUP_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
const requestOf = (answer: Answer) => answer.headers.get('x-request-id')!;

describe('the audit of what is done in PagerDuty', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let ada: string;
  let bo: string;
  let ghost: string;
  let group: string;
  let creation: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(['ada', 'bo'].map((name) => ({ email: email(name) })));
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    [ada, bo, ghost] = (await integration.scim.createUsers(['ada', 'bo', 'ghost'].map(email))) as [
      string,
      string,
      string,
    ];
    const made = await integration.scim.post('/Groups', {
      schemas: [GROUP_SCHEMA],
      displayName: 'On-call',
      members: [{ value: ada }, { value: bo }],
    });
    group = made.body.id;
    creation = requestOf(made);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const events = async (action: string): Promise<any[]> =>
    (await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=${action}&limit=200`)).body
      .items;
  const lastOf = (action: string, userId?: string) =>
    waitFor(
      `${action} to be audited`,
      async () =>
        (await events(action)).find(({ detail }) => userId === undefined || detail.userIds?.includes(userId)),
      (event) => event !== undefined,
    );

  it('leads from somebody’s removal to the request that took them out of the group, and to whose it was', async () => {
    const request = requestOf(await integration.scim.removeMembers(group, bo));
    const removal = await lastOf('team_member.removed', bo);
    expect(removal).toMatchObject({ requestId: request, outcome: 'succeeded', detail: { userIds: [bo] } });
    const change = await lastOf('group.updated');
    expect(change).toMatchObject({
      requestId: request,
      actor: { kind: 'scim_key', name: 'Okta' },
      detail: { removed: 1, removedUserIds: [bo], addedUserIds: [] },
    });
  });

  it('leads to the request that deactivated them', async () => {
    const request = requestOf(await integration.scim.setActive(bo, false));
    expect(await lastOf('team_member.removed', bo)).toMatchObject({ requestId: request });
  });

  it('leads to the request that made the group, also for those who were in it from the beginning', async () => {
    expect(await lastOf('team.created')).toMatchObject({ requestId: creation });
    expect(await lastOf('team_member.added', ada)).toMatchObject({ requestId: creation });
  });

  it('leads everybody to their own request, however many came before a team was made', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    const made = await integration.scim.post('/Groups', {
      schemas: [GROUP_SCHEMA],
      displayName: 'Second',
      members: [{ value: ada }],
    });
    const second = made.body.id;
    const addition = requestOf(await integration.scim.addMembers(second, bo));
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration);
    const ofSecond = async (action: string) =>
      (await events(action))
        .filter(({ target }) => target.id === second)
        .map(({ requestId, detail }) => [detail.userIds?.[0] ?? null, requestId]);
    expect(await ofSecond('team.created')).toEqual([[null, requestOf(made)]]);
    expect(new Map((await ofSecond('team_member.added')) as [string, string][])).toEqual(
      new Map([
        [ada, requestOf(made)],
        [bo, addition],
      ]),
    );
  });

  it('leads those who leave to their own request while the whole group is compared', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    const removal = requestOf(await integration.scim.removeMembers(group, bo));
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    expect(await lastOf('team_member.removed', bo)).toMatchObject({ requestId: removal });
  });

  it('leads the repair of a drift to no request, whatever was asked for beside it', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    const removal = requestOf(await integration.scim.removeMembers(group, bo));
    const person = scimify.pagerDuty.user(email('ada'))!.id;
    scimify.pagerDuty.removeMember(scimify.pagerDuty.team('On-call')!.id, person);
    // As a reconciliation does when it ends at this moment.
    await scimify.app.get(TransactionRunner).run(async (tx) => {
      await tx.query('DELETE FROM remote_member WHERE remoteUserId = ?', [person]);
      await scimify.app.get(ChangeMarks).markWhole(tx, integration.id, [group]);
    });
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    expect(await lastOf('team_member.removed', bo)).toMatchObject({ requestId: removal });
    const additions = (await events('team_member.added')).filter(({ detail }) =>
      detail.userIds.includes(ada),
    );
    expect(additions.map(({ requestId }) => requestId)).toEqual([null, creation]);
  });

  it('leads to the requests that renamed and deleted it', async () => {
    const renaming = requestOf(await integration.scim.renameGroup(group, 'On-call EU'));
    expect(await lastOf('team.renamed')).toMatchObject({ requestId: renaming });
    const deletion = requestOf(await integration.scim.delete(`/Groups/${group}`));
    expect(await lastOf('team.deleted')).toMatchObject({ requestId: deletion });
  });

  it('leads to the request that put somebody into the group who had to wait', async () => {
    const request = requestOf(await integration.scim.addMembers(group, ghost));
    await scimify.settled(integration, ['partial']);
    scimify.pagerDuty.addUser({ email: email('ghost') });
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    expect(await lastOf('team_member.added', ghost)).toMatchObject({ requestId: request });
  });

  it('leads there also when the call had to be made twice', async () => {
    const fault = scimify.pagerDuty.inject({ method: 'DELETE', status: 503, times: 1 });
    const request = requestOf(await integration.scim.removeMembers(group, bo));
    await waitFor('the failure', fault.hits, (hits) => hits === 1);
    await waitFor(
      'bo to leave',
      scimify.teams.bind(scimify),
      (teams) => !teams['On-call']!.includes(email('bo')),
    );
    const removals = await waitFor(
      'both attempts to be audited',
      () => events('team_member.removed'),
      (found) => found.length === 2,
    );
    expect(removals.map(({ requestId, outcome }) => [requestId, outcome])).toEqual([
      [request, 'succeeded'],
      [request, 'failed'],
    ]);
  });

  it('leads to the admin’s request where an admin said who somebody is', async () => {
    const request = requestOf(
      await scimify.admin.put(`/integrations/${integration.id}/users/${ghost}/remote-link`, {
        remoteUserId: scimify.pagerDuty.addUser({ email: 'somebody@example.com' }).id,
      }),
    );
    const added = requestOf(await integration.scim.addMembers(group, ghost));
    expect(await lastOf('team_member.added', ghost)).toMatchObject({ requestId: added });
    expect(await lastOf('user.link_pinned')).toMatchObject({ requestId: request });
  });
});
