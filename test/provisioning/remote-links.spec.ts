import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { adminWithRole } from '../support/admin-keys';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
const NAMES = ['ada', 'bo', 'cy'];

describe('whom of PagerDuty a user is', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let group: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of [...NAMES, 'dee']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const ids = await integration.scim.createUsers(NAMES.map(email));
    users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
    group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const linkOf = (user: string) => `/integrations/${integration.id}/users/${users[user]}/remote-link`;
  const pin = (user: string, person: string) =>
    scimify.admin.put(linkOf(user), { remoteUserId: personOf(person) });
  const shown = async (user: string) =>
    (await scimify.admin.get(`/integrations/${integration.id}/users?search=${user}`)).body.items[0];
  const changeEmail = (user: string, value: string) =>
    integration.scim.patchOperations(`/Users/${users[user]}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value }] },
    });

  it('is what an admin says: the one takes the place of the other', async () => {
    expect((await pin('bo', 'dee')).status).toBe(204);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('dee')] });
    expect(await shown('bo')).toMatchObject({
      state: 'resolved',
      remoteUserId: personOf('dee'),
      pinned: true,
    });
    expect(await shown('ada')).toMatchObject({ remoteUserId: personOf('ada'), pinned: false });
  });

  it('stays so whatever address the IdP gives them, and however often everything is compared', async () => {
    await pin('bo', 'dee');
    await changeEmail('bo', email('cy'));
    await scimify.settled(integration);
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('dee')] });
  });

  it('keeps in the team whom somebody else there stands for', async () => {
    await pin('bo', 'ada');
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
    await pin('ada', 'dee');
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('dee')] });
  });

  it('is looked up afresh once the link is undone, and the log tells who said what', async () => {
    await pin('bo', 'dee');
    await scimify.settled(integration);
    expect((await scimify.admin.delete(linkOf('bo'))).status).toBe(204);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    expect(await shown('bo')).toMatchObject({ remoteUserId: personOf('bo'), pinned: false });
    const events = await scimify.app
      .get<DataSource>(getDataSourceToken())
      .query(
        "SELECT action, detail FROM audit_event WHERE targetType = 'user' AND targetId = ? ORDER BY id",
        [users.bo],
      );
    expect(
      events
        .filter(({ action }: { action: string }) => action.startsWith('user.link'))
        .map(({ action, detail }: { action: string; detail: string }) => [action, JSON.parse(detail)]),
    ).toEqual([
      ['user.link_pinned', { remoteUserId: personOf('dee'), formerRemoteUserId: personOf('bo') }],
      ['user.link_undone', { remoteUserId: null, formerRemoteUserId: personOf('dee') }],
    ]);
  });

  it('is whom PagerDuty has now under the address once the link is undone, however short ago it was looked up', async () => {
    scimify.pagerDuty.updateUser(personOf('bo'), { email: 'bo.former@example.com' });
    const { id } = scimify.pagerDuty.addUser({ email: email('bo') });
    expect((await scimify.admin.delete(linkOf('bo'))).status).toBe(204);
    await waitFor(
      'the one to take the place of the other',
      () => scimify.teams()['On-call']!.join(),
      (emails) => emails === [email('ada'), email('bo')].join(),
    );
    expect(await shown('bo')).toMatchObject({ state: 'resolved', remoteUserId: id, nextAttemptAt: null });
  });

  it('is not whom the admin names where PagerDuty has nobody of that id', async () => {
    for (const remoteUserId of ['PNOBODY', 'not_of_pagerduty-1']) {
      const refused = await scimify.admin.put(linkOf('bo'), { remoteUserId });
      expect(refused).toMatchObject({
        status: 422,
        body: {
          code: 'remote_user_unknown',
          detail: `PagerDuty has no user with the id ${remoteUserId}. Look up the id of the person in PagerDuty; the guide says where it is found. Nothing was stored.`,
        },
      });
    }
    expect(await shown('bo')).toMatchObject({ remoteUserId: personOf('bo'), pinned: false });
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    const ofNobody = linkOf('bo').replace(users.bo!, integration.id);
    expect((await scimify.admin.put(ofNobody, { remoteUserId: 'PNOBODY' })).status).toBe(404);
  });

  it('is not said as long as PagerDuty cannot be asked', async () => {
    const fault = scimify.pagerDuty.inject({ method: 'GET', path: /^\/users\/P/, status: 503 });
    expect(await pin('bo', 'dee')).toMatchObject({
      status: 503,
      body: {
        code: 'target_unavailable',
        detail: expect.stringMatching(
          /^Scimify could not check whether PagerDuty has this person\. .*Nothing was stored\.$/,
        ),
      },
    });
    fault.remove();
    expect(await shown('bo')).toMatchObject({ remoteUserId: personOf('bo'), pinned: false });
    expect((await pin('bo', 'dee')).status).toBe(204);
  });

  it('is looked up afresh once PagerDuty no longer has whom the admin named', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await pin('bo', 'dee');
    scimify.pagerDuty.removeUser(personOf('dee'));
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'another look-up',
      () => shown('bo'),
      ({ remoteUserId }) => remoteUserId === personOf('bo'),
    );
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    expect(await shown('bo')).toMatchObject({ pinned: false });
  });

  it('is for admins of that integration to say, in ids that may be some', async () => {
    const by = async (role: 'viewer' | 'admin') => adminWithRole(scimify, integration.tenantId, role);
    const link = { remoteUserId: personOf('dee') };
    const viewer = await by('viewer');
    expect((await viewer.put(linkOf('bo'), link)).status).toBe(403);
    expect((await viewer.delete(linkOf('bo'))).status).toBe(403);
    expect((await (await by('admin')).put(linkOf('bo'), link)).status).toBe(204);
    for (const remoteUserId of ['', 'a/b', '..', 'x'.repeat(101), 7, null]) {
      expect((await scimify.admin.put(linkOf('bo'), { remoteUserId })).status).toBe(400);
    }
    const other = await scimify.createIntegration({ authMethod: 'api_key' });
    const ofOther = `/integrations/${other.id}/users/${users.bo}/remote-link`;
    expect((await scimify.admin.put(ofOther, link)).status).toBe(404);
    expect((await scimify.admin.delete(ofOther)).status).toBe(404);
    const stranger = await adminWithRole(scimify, await scimify.createTenant('Other'), 'owner');
    expect((await stranger.put(linkOf('bo'), link)).status).toBe(404);
    expect(await shown('bo')).toMatchObject(link);
  });
});
