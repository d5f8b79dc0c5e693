import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';

const NAMES = ['ada', 'bo', 'cy', 'dee'];
const MINUTE = 60_000;

let persons: Record<string, string>;
const own = new AccountsInTurn('moved', NAMES);
const { email } = own;

beforeEach(async () => {
  await own.begin();
  persons = Object.fromEntries(NAMES.map((name) => [name, own.account.user(email(name))!.id]));
});
afterEach(() => act('disable'));

const act = (verb: string) => own.scimify.admin.post(`/integrations/${own.integration.id}/${verb}`);
const group = async (name: string, ...members: string[]) => {
  const id = await own.integration.scim.createGroup(
    name,
    members.map((member) => own.users[member]!),
  );
  await own.scimify.settled(own.integration);
  return id;
};
/** The members of the team, by the names that they had at the beginning. */
const inTeam = (name: string) => {
  const ids = own.account.team(name)!.members.map(({ id }) => id);
  return NAMES.filter((person) => ids.includes(persons[person]!)).join();
};
const untilInTeam = (team: string, ...names: string[]) =>
  waitFor(
    `${team} to be ${names.join()}`,
    () => inTeam(team),
    (seen) => seen === names.join(),
  );
const user = async (name: string) =>
  (await own.scimify.admin.get(`/integrations/${own.integration.id}/users?search=${name}`)).body.items[0];
const untilUser = (name: string, reason: string | null) =>
  waitFor(
    `${name} to be shown with ${reason}`,
    () => user(name),
    (shown) => shown.reason === reason,
  );
const member = async (groupId: string, name: string) =>
  (await own.scimify.members(own.integration, groupId)).find(({ userId }) => userId === own.users[name]);
/** Gives these people other login addresses in PagerDuty: `{ ada: 'bo', bo: 'ada' }` is a swap. */
const readdress = (addresses: Record<string, string>) => {
  for (const name of Object.keys(addresses)) {
    own.account.updateUser(persons[name]!, { email: email(`${name}.meanwhile`) });
  }
  for (const [name, address] of Object.entries(addresses)) {
    own.account.updateUser(persons[name]!, { email: email(address) });
  }
};
const setEmail = (name: string, address: string) =>
  own.integration.scim.patchOperations(`/Users/${own.users[name]}`, {
    op: 'replace',
    value: { emails: [{ primary: true, type: 'work', value: email(address) }] },
  });
const calls = () =>
  own.scimify.pagerDuty.calls().filter(({ credential }) => credential.account === own.credentialAccount);
const writes = () =>
  calls()
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => {
      const id = path.split('/').at(-1)!;
      return `${method} ${NAMES.find((name) => persons[name] === id)}`;
    });
const link = (name: string) => `/integrations/${own.integration.id}/users/${own.users[name]}/remote-link`;
const drifts = async () =>
  (await own.scimify.admin.get(`/integrations/${own.integration.id}/drift`)).body.items;
const links = async () =>
  (await own.scimify.admin.get(`/integrations/${own.integration.id}/overview`)).body.links;
const reconciled = async () => {
  const before = Date.now();
  await act('reconcile');
  await waitFor(
    'the reconciliation',
    async () =>
      (await own.scimify.admin.get(`/integrations/${own.integration.id}/overview`)).body.reconciliation,
    ({ lastCompletedAt }) => Date.parse(lastCompletedAt) >= before,
  );
};

describe('two people whose login addresses an admin exchanges in PagerDuty', () => {
  it('each take the place of the other once a reconciliation shows it, the new one first', async () => {
    await group('Ada’s', 'ada', 'cy');
    await group('Bo’s', 'bo');
    own.scimify.pagerDuty.clearCalls();
    readdress({ ada: 'bo', bo: 'ada' });
    await act('reconcile');
    await untilInTeam('Ada’s', 'bo', 'cy');
    await untilInTeam('Bo’s', 'ada');
    await own.scimify.settled(own.integration);
    const made = writes();
    expect(made).toHaveLength(4);
    expect(made.indexOf('PUT bo')).toBeLessThan(made.indexOf('DELETE ada'));
    expect(made.indexOf('PUT ada')).toBeLessThan(made.indexOf('DELETE bo'));
    expect(await user('ada')).toMatchObject({ state: 'resolved', reason: null, remoteUserId: persons.bo });
    expect(await user('bo')).toMatchObject({ state: 'resolved', reason: null, remoteUserId: persons.ada });
  });

  it('each take the place of the other once an admin asks for a sync', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    readdress({ ada: 'bo', bo: 'ada' });
    await act('sync');
    await untilInTeam('Ada’s', 'bo');
    await untilInTeam('Bo’s', 'ada');
  });

  it('do so too where a sync is asked for again and again', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    readdress({ ada: 'bo', bo: 'ada' });
    await waitFor(
      'Ada’s to be bo',
      async () => {
        await act('sync');
        return inTeam('Ada’s');
      },
      (seen) => seen === 'bo',
    );
  });

  it('both stay where both are wanted, without a call that changes anything', async () => {
    await group('Both', 'ada', 'bo');
    own.scimify.pagerDuty.clearCalls();
    readdress({ ada: 'bo', bo: 'ada' });
    await act('reconcile');
    await waitFor(
      'ada to be the other one',
      () => user('ada'),
      ({ remoteUserId }) => remoteUserId === persons.bo,
    );
    await waitFor(
      'bo to be the other one',
      () => user('bo'),
      ({ remoteUserId }) => remoteUserId === persons.ada,
    );
    await own.scimify.settled(own.integration);
    expect(writes()).toEqual([]);
  });

  it('are told apart as soon as a scan for somebody else shows them', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    readdress({ ada: 'bo', bo: 'ada' });
    for (const name of ['one', 'two', 'three']) own.account.addUser({ email: email(name) });
    const others = await own.integration.scim.createUsers(['one', 'two', 'three'].map(email));
    await own.integration.scim.createGroup('Others', others);
    await untilInTeam('Ada’s', 'bo');
    await untilInTeam('Bo’s', 'ada');
  });

  it('are told apart as soon as a search for one of the addresses shows who has it', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    readdress({ ada: 'bo', bo: 'ada' });
    await own.scimify.admin.delete(`/integrations/${own.integration.id}/users/${own.users.ada}/remote-link`);
    await untilInTeam('Ada’s', 'bo');
    await untilInTeam('Bo’s', 'ada');
  });

  it('are told apart by a reconciliation also where it reads the teams, as the users are too many', async () => {
    own.account.addUsers(1_200);
    const first = own.account.addUser({ email: email('zoe.one') }).id;
    const second = own.account.addUser({ email: email('zoe.two') }).id;
    const [one, two] = await own.integration.scim.createUsers(['zoe.one', 'zoe.two'].map(email));
    await own.integration.scim.createGroup('One', [one!]);
    await own.integration.scim.createGroup('Two', [two!]);
    await own.scimify.settled(own.integration);
    own.scimify.pagerDuty.clearCalls();
    own.account.updateUser(first, { email: email('meanwhile') });
    own.account.updateUser(second, { email: email('zoe.one') });
    own.account.updateUser(first, { email: email('zoe.two') });
    await act('reconcile');
    const idsIn = (team: string) => own.account.team(team)!.members.map(({ id }) => id);
    await waitFor(
      'both',
      () => [idsIn('One'), idsIn('Two')],
      (ids) => ids.join() === `${second},${first}`,
    );
    await own.scimify.settled(own.integration);
    const scanned = calls().filter(({ path }) => path.startsWith('/users?') && path.includes('offset=100'));
    expect(scanned).toEqual([]);
  });

  it('cost a look-up each, and nothing more once it is known', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    readdress({ ada: 'bo', bo: 'ada' });
    await reconciled();
    await untilInTeam('Ada’s', 'bo');
    await untilInTeam('Bo’s', 'ada');
    await own.scimify.settled(own.integration);
    own.scimify.pagerDuty.clearCalls();
    await reconciled();
    await reconciled();
    expect(calls().map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual(
      Array(2).fill(['GET /teams', 'GET /users']).flat(),
    );
  });
});

describe('a difference of addresses', () => {
  it('is told in the drift and the overview, with the user and with each membership, until it is over', async () => {
    const id = await group('On-call', 'ada', 'bo', 'cy');
    await own.scimify.admin.put(link('cy'), { remoteUserId: persons.dee });
    await untilInTeam('On-call', 'ada', 'bo', 'dee');
    readdress({ bo: 'bo.renamed', dee: 'dee.renamed' });
    await reconciled();
    await untilUser('cy', 'pinned_address_changed');
    expect(await user('bo')).toMatchObject({ state: 'resolved', reason: 'email_differs' });
    expect(await member(id, 'bo')).toMatchObject({ state: 'applied', reason: 'email_differs' });
    expect(await member(id, 'cy')).toMatchObject({ state: 'applied', reason: 'pinned_address_changed' });
    expect(await links()).toEqual({ emailDiffers: 1, pinnedAddressChanged: 1 });
    const drift = (await drifts()).sort((one: any, other: any) => (one.kind < other.kind ? -1 : 1));
    expect(drift).toEqual([
      expect.objectContaining({ kind: 'email_differs', remoteUserId: persons.bo, groupId: null }),
      expect.objectContaining({ kind: 'pinned_address_changed', remoteUserId: persons.dee, repaired: false }),
    ]);
    expect(drift[0].message).toContain(email('bo.renamed'));
    expect(drift[1].message).toContain(email('dee.renamed'));

    readdress({ bo: 'bo', dee: 'dee' });
    await reconciled();
    await untilUser('bo', null);
    await untilUser('cy', null);
    expect(await links()).toEqual({ emailDiffers: 0, pinnedAddressChanged: 0 });
    await reconciled();
    expect(await drifts()).toEqual([]);
  });

  it('is told in the drift where a scan for somebody else shows it', async () => {
    await group('Ada’s', 'ada');
    readdress({ ada: 'ada.former' });
    persons.dee = own.account.addUser({ email: email('ada') }).id;
    for (const name of ['one', 'two', 'three']) own.account.addUser({ email: email(name) });
    await own.integration.scim.createGroup(
      'Others',
      await own.integration.scim.createUsers(['one', 'two', 'three'].map(email)),
    );
    await untilInTeam('Ada’s', 'dee');
    expect(await drifts()).toEqual([
      expect.objectContaining({ kind: 'email_differs', remoteUserId: persons.ada, repaired: true }),
    ]);
  });
});

describe('an address that PagerDuty shows now so and now so', () => {
  it('is asked about once, and then no more for some minutes', async () => {
    await group('Ada’s', 'ada');
    own.scimify.pagerDuty.clearCalls();
    for (const round of [1, 2, 3]) {
      const names = [1, 2, 3].map((number) => `other.${round}.${number}`);
      const others = names.map((name) => own.account.addUser({ email: email(name) }));
      const rows = [...others, { id: persons.ada, email: email('ada.former') }];
      const scan = own.scimify.pagerDuty.inject({
        path: /^\/users\?(?!.*query)/,
        account: own.credentialAccount,
        status: 200,
        body: { users: rows.map((row) => ({ ...row, teams: [] })), limit: 100, offset: 0, more: false },
      });
      await own.integration.scim.createGroup(
        `Others ${round}`,
        await own.integration.scim.createUsers(names.map(email)),
      );
      await own.scimify.settled(own.integration);
      await untilUser('ada', round === 1 ? null : 'email_differs');
      scan.remove();
    }
    const { nextAttemptAt } = await user('ada');
    expect(Date.parse(nextAttemptAt)).toBeGreaterThan(Date.now() + 3 * MINUTE);
    expect(calls().filter(({ path }) => path.startsWith('/users?query='))).toHaveLength(1);
    expect(inTeam('Ada’s')).toBe('ada');
  });
});

describe('addresses that move along a chain in PagerDuty', () => {
  it('take each link with them, and leave who has none any more waiting', async () => {
    const first = await group('First', 'ada');
    await group('Second', 'bo');
    await group('Third', 'cy');
    // Ada's PagerDuty user gets Bo's address, Bo's gets Cy's, and Cy's gets one that the IdP does not have.
    readdress({ cy: 'nobody', bo: 'cy', ada: 'bo' });
    await act('reconcile');
    await untilInTeam('Second', 'ada');
    await untilInTeam('Third', 'bo');
    await untilInTeam('First');
    await waitFor(
      'ada to wait',
      () => member(first, 'ada'),
      (shown) => shown?.reason === 'user_not_found',
    );
    expect(await member(first, 'ada')).toMatchObject({ state: 'pending', remoteUserId: null });
  });

  it('come to rest where the chain ends in somebody new', async () => {
    await group('First', 'ada');
    await group('Second', 'bo');
    readdress({ bo: 'nobody', ada: 'bo' });
    persons.dee = own.account.addUser({ email: email('ada') }).id;
    await act('reconcile');
    await untilInTeam('First', 'dee');
    await untilInTeam('Second', 'ada');
  });
});

describe('a person who gets an address in PagerDuty that the IdP does not know', () => {
  it('stays in the team, flagged, until the addresses agree again', async () => {
    const id = await group('On-call', 'ada', 'bo');
    own.scimify.pagerDuty.clearCalls();
    readdress({ bo: 'bo.renamed' });
    await act('reconcile');
    await waitFor(
      'the look-up',
      () => user('bo'),
      ({ message }) => message?.includes('No PagerDuty user'),
    );
    const shown = await member(id, 'bo');
    expect(shown).toMatchObject({ state: 'applied', reason: 'email_differs', remoteUserId: persons.bo });
    expect(Date.parse(shown.nextAttemptAt)).toBeGreaterThan(Date.now() + 3 * MINUTE);
    await setEmail('bo', 'bo.renamed');
    await untilUser('bo', null);
    expect(await user('bo')).toMatchObject({ state: 'resolved', remoteUserId: persons.bo });
    readdress({ bo: 'bo' });
    await setEmail('bo', 'bo');
    await untilUser('bo', null);
    await own.scimify.settled(own.integration);
    expect(writes()).toEqual([]);
  });

  it('is no longer meant once the IdP gives that address to another user', async () => {
    await group('On-call', 'ada', 'bo');
    readdress({ bo: 'eve' });
    await act('reconcile');
    await waitFor(
      'the look-up',
      () => user('bo'),
      ({ message }) => message?.includes('No PagerDuty user'),
    );
    await own.integration.scim.createUser(email('eve'));
    await untilInTeam('On-call', 'ada');
    await untilUser('bo', 'user_not_found');
  });
});

describe('a link that an admin pinned', () => {
  it('is flagged where its person gets another address before anything else has shown them', async () => {
    await group('On-call', 'ada');
    await own.scimify.admin.put(link('ada'), { remoteUserId: persons.dee });
    readdress({ dee: 'dee.renamed' });
    await reconciled();
    expect((await untilUser('ada', 'pinned_address_changed')).message).toContain(email('dee.renamed'));
  });

  it('is not flagged for what a scan had read before it was set', async () => {
    await group('On-call', 'ada', 'bo');
    await reconciled();
    const before = own.account.users().map(({ id, email: address }) => ({ id, email: address, teams: [] }));
    const page = { users: before, limit: 100, offset: 0, more: false };
    readdress({ dee: 'dee.renamed' });
    const fault = own.scimify.pagerDuty.inject({
      path: /^\/users\?.*include/,
      account: own.credentialAccount,
      status: 200,
      body: page,
      latencyMs: 500,
    });
    const isOver = reconciled();
    await waitFor(
      'the scan',
      () => fault.hits(),
      (hits) => hits > 0,
    );
    await own.scimify.admin.put(link('ada'), { remoteUserId: persons.dee });
    await isOver;
    fault.remove();
    expect(await user('ada')).toMatchObject({ pinned: true, reason: null });
    readdress({ dee: 'dee' });
    await reconciled();
    expect(await user('ada')).toMatchObject({ pinned: true, reason: 'pinned_address_changed' });
  });

  it('stays, and so does its person, where a scan had read before that person was made', async () => {
    await group('On-call', 'ada', 'bo');
    await reconciled();
    const before = own.account.users().map(({ id, email: address }) => ({ id, email: address, teams: [] }));
    const fault = own.scimify.pagerDuty.inject({
      path: /^\/users\?.*include/,
      account: own.credentialAccount,
      status: 200,
      body: { users: before, limit: 100, offset: 0, more: false },
      latencyMs: 2_000,
    });
    const isOver = reconciled();
    await waitFor(
      'the scan',
      () => fault.hits(),
      (hits) => hits > 0,
    );
    const { id } = own.account.addUser({ email: email('ada.in.person') });
    await own.scimify.admin.put(link('ada'), { remoteUserId: id });
    await isOver;
    fault.remove();
    await own.scimify.settled(own.integration);
    expect(await user('ada')).toMatchObject({ pinned: true, remoteUserId: id, reason: null });
    expect(own.account.team('On-call')!.members.map((joined) => joined.id)).toContain(id);
  });

  it('stays whatever address its person gets, and is flagged until an admin has looked at it', async () => {
    const id = await group('On-call', 'ada', 'bo');
    await own.scimify.admin.put(link('bo'), { remoteUserId: persons.dee });
    await untilInTeam('On-call', 'ada', 'dee');
    await reconciled();
    own.scimify.pagerDuty.clearCalls();
    readdress({ dee: 'dee.renamed' });
    await reconciled();
    const shown = await untilUser('bo', 'pinned_address_changed');
    expect(shown).toMatchObject({
      state: 'resolved',
      pinned: true,
      remoteUserId: persons.dee,
      nextAttemptAt: null,
    });
    expect(shown.message).toContain(email('dee.renamed'));
    expect(await member(id, 'bo')).toMatchObject({ state: 'applied', reason: 'pinned_address_changed' });
    expect(writes()).toEqual([]);

    readdress({ dee: 'dee' });
    await reconciled();
    await untilUser('bo', null);
    readdress({ dee: 'dee.renamed' });
    await reconciled();
    await untilUser('bo', 'pinned_address_changed');
    await own.scimify.admin.put(link('bo'), { remoteUserId: persons.dee });
    await untilUser('bo', null);
    await reconciled();
    expect(await user('bo')).toMatchObject({ pinned: true, reason: null });
    expect(inTeam('On-call')).toBe('ada,dee');
  });

  it('stays in a swap that concerns its person, while the others’ links move', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    await own.scimify.admin.put(link('ada'), { remoteUserId: persons.ada });
    await reconciled();
    readdress({ ada: 'bo', bo: 'ada' });
    await act('reconcile');
    await untilInTeam('Bo’s', 'ada');
    await untilUser('ada', 'pinned_address_changed');
    expect(inTeam('Ada’s')).toBe('ada');
  });
});

describe('addresses that the IdP gives out anew', () => {
  it('are followed in a swap: each takes the place of the other', async () => {
    await group('Ada’s', 'ada', 'cy');
    await group('Bo’s', 'bo');
    await group('Both', 'ada', 'bo');
    await act('pause');
    own.scimify.pagerDuty.clearCalls();
    await setEmail('ada', 'bo');
    await setEmail('bo', 'ada');
    await act('enable');
    await untilInTeam('Ada’s', 'bo', 'cy');
    await untilInTeam('Bo’s', 'ada');
    await own.scimify.settled(own.integration);
    expect(inTeam('Both')).toBe('ada,bo');
    expect(writes()).toHaveLength(4);
  });

  it('are followed along a chain, from whichever end', async () => {
    for (const order of [
      ['ada', 'bo', 'cy'],
      ['cy', 'bo', 'ada'],
    ]) {
      const to: Record<string, string> = { ada: 'bo', bo: 'cy', cy: 'dee' };
      const back: Record<string, string> = { ada: 'ada', bo: 'bo', cy: 'cy' };
      const name = order.join();
      await group(`First ${name}`, 'ada');
      await group(`Second ${name}`, 'bo');
      await group(`Third ${name}`, 'cy');
      for (const one of order) await setEmail(one, to[one]!);
      await untilInTeam(`First ${name}`, 'bo');
      await untilInTeam(`Second ${name}`, 'cy');
      await untilInTeam(`Third ${name}`, 'dee');
      for (const one of order) await setEmail(one, back[one]!);
      await untilInTeam(`First ${name}`, 'ada');
      await untilInTeam(`Third ${name}`, 'cy');
      await own.scimify.settled(own.integration);
    }
  });

  it('are followed while PagerDuty exchanges them as well: all stay who they are', async () => {
    await group('Ada’s', 'ada');
    await group('Bo’s', 'bo');
    await act('pause');
    readdress({ ada: 'bo', bo: 'ada' });
    await setEmail('ada', 'bo');
    await setEmail('bo', 'ada');
    own.scimify.pagerDuty.clearCalls();
    await act('enable');
    await act('reconcile');
    await waitFor(
      'both to be looked up',
      async () => [await user('ada'), await user('bo')],
      (both) => both.every(({ reason }) => reason === null),
    );
    await own.scimify.settled(own.integration);
    expect([inTeam('Ada’s'), inTeam('Bo’s')]).toEqual(['ada', 'bo']);
  });
});
