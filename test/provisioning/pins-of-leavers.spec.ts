import { DataSource } from 'typeorm';
import { WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';

const NAMES = ['ada', 'bo', 'cy', 'dee'];
/** No user leaves a team without an admin. */
const STRICT = { guard: { ...WITHOUT_GUARD.guard, teamPercent: 1, teamMembers: 1 } };

let group: string;
const own = new AccountsInTurn('pinning', NAMES);
const { email, personOf, path } = own;

const guard = (policies: object) => own.scimify.admin.patch(path(), { policies });
const heldChanges = async (): Promise<any[]> =>
  (await own.scimify.admin.get(path('/held-changes'))).body.items;
const member = async (name: string) =>
  (await own.scimify.members(own.integration, group)).find(({ userId }) => userId === own.users[name]);
const untilMember = (name: string, reason: string) =>
  waitFor(
    `${name} to be shown as ${reason}`,
    () => member(name),
    (one) => one?.reason === reason,
  );
const untilTeamIs = (...names: string[]) =>
  waitFor(
    `${names.join(', ')} to be left`,
    () =>
      own.account
        .team('On-call')!
        .members.map((one) => one.email)
        .sort(),
    (left) => JSON.stringify(left) === JSON.stringify(names.map(email)),
  );

/** The IdP removes a user from the group, and an admin rejects the removal. */
async function pinned(name: string, takeOut: () => Promise<unknown>): Promise<void> {
  await takeOut();
  await untilMember(name, 'mass_change_held');
  const [change] = (await heldChanges()).filter(({ decision }) => decision === null);
  expect((await own.scimify.admin.post(`/held-changes/${change.id}/reject`)).status).toBe(202);
  await untilMember(name, 'removal_rejected');
  await own.scimify.settled(own.integration, ['partial']);
}
const outOfGroup = (name: string) => () => own.integration.scim.removeMembers(group, own.users[name]!);
const deactivate = (name: string) => own.integration.scim.setActive(own.users[name]!, false);

describe('somebody whom an admin keeps in a team', () => {
  beforeEach(async () => {
    await own.begin(STRICT);
    group = await own.integration.scim.createGroup('On-call', Object.values(own.users));
    await own.scimify.settled(own.integration);
  });

  it.each([
    ['deactivated', (name: string) => deactivate(name)],
    ['deleted', (name: string) => own.integration.scim.delete(`/Users/${own.users[name]}`)],
  ])('leaves it once they are %s', async (_, leave) => {
    await pinned('ada', outOfGroup('ada'));
    await guard(WITHOUT_GUARD);
    expect((await leave('ada')).status).toBeLessThan(300);
    await untilTeamIs('bo', 'cy', 'dee');
    await own.scimify.settled(own.integration);
    expect(await heldChanges()).toMatchObject([{ decision: 'rejected', itemCount: 0 }]);
  });

  it('waits for an admin once more where those who leave the IdP are too many', async () => {
    await pinned('ada', outOfGroup('ada'));
    await own.integration.scim.delete(`/Users/${own.users.ada}`);
    await untilMember('ada', 'mass_change_held');
    const changes = await heldChanges();
    expect(changes).toMatchObject([
      { decision: 'rejected', itemCount: 0 },
      { decision: null, itemCount: 1, items: [{ userName: email('ada') }] },
    ]);
    await own.scimify.admin.post(`/held-changes/${changes[1].id}/approve`);
    await untilTeamIs('bo', 'cy', 'dee');
  });

  it('stays where they had left the IdP when it was decided, also once they are deleted and forgotten', async () => {
    await pinned('ada', () => deactivate('ada'));
    await guard(WITHOUT_GUARD);
    await own.integration.scim.delete(`/Users/${own.users.ada}`);
    const [stranger] = await own.integration.scim.createUsers(['nowhere@example.com']);
    await own.integration.scim.delete(`/Users/${stranger}`);
    await waitFor(
      'the rows of the deleted to go',
      () => own.scimify.app.get(DataSource).query('SELECT id FROM scim_user WHERE id = ?', [stranger]),
      (rows) => rows.length === 0,
    );
    await own.scimify.settled(own.integration, ['partial']);
    expect(await member('ada')).toMatchObject({ state: 'removing', reason: 'removal_rejected' });
    await untilTeamIs('ada', 'bo', 'cy', 'dee');
  }, 60_000);

  it('leaves it once they came back and leave the IdP again', async () => {
    await pinned('ada', () => deactivate('ada'));
    await guard(WITHOUT_GUARD);
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.setActive(own.users.ada!, true);
    await deactivate('ada');
    await own.scimify.admin.post(path('/enable'));
    await untilTeamIs('bo', 'cy', 'dee');
    await own.scimify.settled(own.integration);
  });

  it('stays while somebody active is the same person, and leaves it with the last of them', async () => {
    const twin = await own.integration.scim.createUser(`twin@${email('ada').split('@')[1]}`);
    const link = { remoteUserId: personOf('ada') };
    await own.scimify.admin.put(path(`/users/${twin}/remote-link`), link);
    await pinned('ada', outOfGroup('ada'));
    await guard(WITHOUT_GUARD);
    await deactivate('ada');
    await own.scimify.settled(own.integration, ['partial']);
    expect(await member('ada')).toMatchObject({ state: 'removing', reason: 'removal_rejected' });
    await own.integration.scim.delete(`/Users/${twin}`);
    await untilTeamIs('bo', 'cy', 'dee');
  });

  it('leaves it once they leave the IdP although its group is deleted and PagerDuty keeps the team', async () => {
    await pinned('ada', outOfGroup('ada'));
    await guard(WITHOUT_GUARD);
    own.account.associate(own.account.team('On-call')!.id, 'Schedules');
    await own.integration.scim.delete(`/Groups/${group}`);
    await own.scimify.settled(own.integration, ['blocked']);
    expect(await member('ada')).toMatchObject({ state: 'removing', reason: 'removal_rejected' });
    await deactivate('ada');
    await untilTeamIs('bo', 'cy', 'dee');
  });
});
