import { type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { letTimePass } from './support/passing-time';

const SCANNED = ['one', 'two', 'three'];
const NAMES = ['alice', 'bo', ...SCANNED];

const own = new AccountsInTurn('first', NAMES);
const { email, personOf, push } = own;

beforeEach(() => own.begin());
afterEach(() => own.scimify.admin.post(`/integrations/${own.integration.id}/disable`));

const settled = () => own.scimify.settled(own.integration);
const inTeam = (name: string) => (own.account.team(name)?.members ?? []).map(({ id }) => id);
/** The person with this address in PagerDuty gets another one, and a new person gets this one. */
const recycle = (name: string) => {
  const former = personOf(name);
  own.account.updateUser(former, { email: email(`${name}.former`) });
  return { former, current: own.account.addUser({ email: email(name) }).id };
};
const calls = () =>
  own.scimify.pagerDuty
    .calls()
    .filter(({ credential }) => credential.account === own.credentialAccount)
    .map(({ method, path }) => `${method} ${path}`);
/** A group whose member cannot be added until the caller removes the fault. */
const pushedInVain = async () => {
  const refusing = own.fail({ method: 'PUT', status: 500 });
  await push('On-call', 'alice');
  await waitFor(
    'an attempt',
    () => refusing.hits(),
    (hits) => hits > 0,
  );
  return refusing;
};
/** Without the call that identifies the account. */
const looks = () => calls().filter((call) => call.startsWith('GET /users') && call !== 'GET /users?limit=1');
const additions = () => calls().filter((call) => call.startsWith('PUT '));

describe('somebody who is pushed for the first time', () => {
  it('is who has the address in PagerDuty then, whoever had it when a scan showed everybody a moment before', async () => {
    await push('Scanned', ...SCANNED);
    await settled();
    const { former, current } = recycle('alice');
    own.scimify.pagerDuty.clearCalls();
    await push('On-call', 'alice', 'bo');
    await settled();
    expect(inTeam('On-call')).toEqual(expect.arrayContaining([current, personOf('bo')]));
    expect(inTeam('On-call')).not.toContain(former);
    expect(additions().some((call) => call.endsWith(former))).toBe(false);
  });

  it('is so too where they join a team that is there already, at one look-up and one addition', async () => {
    const scanned = await push('Scanned', ...SCANNED);
    await settled();
    const { current } = recycle('alice');
    own.scimify.pagerDuty.clearCalls();
    await own.integration.scim.addMembers(scanned, own.users.alice!);
    await settled();
    expect(inTeam('Scanned')).toContain(current);
    expect(calls()).toHaveLength(2);
    await push('Other', 'alice');
    await settled();
    own.scimify.pagerDuty.clearCalls();
    await own.integration.scim.removeMembers(scanned, own.users.alice!);
    await settled();
    await own.integration.scim.addMembers(scanned, own.users.alice!);
    await settled();
    expect(looks()).toEqual([]);
  });

  it('is looked up anew where they could not be added for minutes, and is who has the address then', async () => {
    const refusing = await pushedInVain();
    const { former, current } = recycle('alice');
    await own.scimify.admin.post(`/integrations/${own.integration.id}/pause`);
    await letTimePass(own.scimify, 2 * 60_000);
    refusing.remove();
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(`/integrations/${own.integration.id}/enable`);
    await own.scimify.admin.post(`/integrations/${own.integration.id}/sync`);
    await waitFor(
      'alice to join',
      () => inTeam('On-call'),
      (ids) => ids.includes(current),
    );
    expect(inTeam('On-call')).toEqual([current]);
    expect(additions().some((call) => call.endsWith(former))).toBe(false);
    await settled();
    own.scimify.pagerDuty.clearCalls();
    await letTimePass(own.scimify, 2 * 60_000);
    await push('Second', 'alice');
    await settled();
    expect(looks().filter((call) => !call.includes('include'))).toEqual([]);
  });

  it('is nobody until PagerDuty has the address again, where it was taken from whom could not be added for minutes', async () => {
    const refusing = await pushedInVain();
    const former = personOf('alice');
    own.account.updateUser(former, { email: email('alice.former') });
    await own.scimify.admin.post(`/integrations/${own.integration.id}/pause`);
    await letTimePass(own.scimify, 2 * 60_000);
    refusing.remove();
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(`/integrations/${own.integration.id}/enable`);
    await waitFor(
      'alice to be nobody',
      async () =>
        (await own.scimify.admin.get(`/integrations/${own.integration.id}/users?search=alice`)).body.items[0],
      ({ reason }) => reason === 'user_not_found',
    );
    await waitFor(
      'the group to be looked at',
      async () => (await own.scimify.admin.get(`/integrations/${own.integration.id}/groups`)).body.items[0],
      ({ state, appliedGeneration }) => state === 'partial' && appliedGeneration === 1,
    );
    expect(additions()).toEqual([]);
    expect(inTeam('On-call')).toEqual([]);
    const { id } = own.account.addUser({ email: email('alice') });
    await own.scimify.admin.post(`/integrations/${own.integration.id}/sync`);
    await waitFor(
      'alice to join',
      () => inTeam('On-call'),
      (ids) => ids.includes(id),
    );
  });

  it('is looked up again once the integration is enabled, whatever a plan has shown of them before', async () => {
    await own.scimify.admin.post(`/integrations/${own.integration.id}/pause`);
    await push('On-call', 'alice', 'bo', 'one');
    await own.scimify.admin.get(`/integrations/${own.integration.id}/plan`);
    const { current } = recycle('alice');
    await own.scimify.admin.post(`/integrations/${own.integration.id}/enable`);
    await settled();
    expect(inTeam('On-call')).toContain(current);
    expect(inTeam('On-call')).toHaveLength(3);
  });

  it('shares one scan with everybody who was pushed before it began', async () => {
    await own.scimify.admin.post(`/integrations/${own.integration.id}/pause`);
    for (const [index, name] of NAMES.entries()) await push(`Team ${index}`, name);
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(`/integrations/${own.integration.id}/enable`);
    await settled();
    expect(looks()).toHaveLength(1);
    for (const [index, name] of NAMES.entries()) expect(inTeam(`Team ${index}`)).toEqual([personOf(name)]);
  });

  describe('and of whom another integration of the credential has just been told', () => {
    let other: TestIntegration;
    let others: Record<string, string>;
    const act = (verb: string) => own.scimify.admin.post(`/integrations/${other.id}/${verb}`);

    /**
     * Alice waits in a paused integration while the first one looks her up. Then another person gets her address.
     */
    const recycledSinceTheAnswer = async (...waiting: string[]) => {
      other = await own.scimify.createIntegration({
        tenantId: own.tenantId,
        authMethod: 'api_key',
        secret: own.secret,
        policies: WITHOUT_GUARD,
        enable: false,
      });
      const ids = await other.scim.createUsers(NAMES.map(email));
      others = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
      await other.scim.createGroup(
        'Waiting',
        waiting.map((name) => others[name]!),
      );
      await push('First', 'alice');
      await settled();
      return recycle('alice');
    };
    afterEach(() => act('disable'));

    it('is who has the address now, where the look-up for others of the group shows that', async () => {
      const { former, current } = await recycledSinceTheAnswer('alice', ...SCANNED);
      await act('enable');
      await own.scimify.settled(other);
      expect(inTeam('Waiting').sort()).toEqual([current, ...SCANNED.map(personOf)].sort());
      expect(additions().filter((call) => call.endsWith(former))).toHaveLength(1);
    });

    it('becomes who has the address now, where a scan that had begun before shows that', async () => {
      const { current } = await recycledSinceTheAnswer('alice');
      const scan = own.scimify.pagerDuty.inject({
        path: /^\/users\?.*include/,
        account: own.credentialAccount,
        latencyMs: 2_000,
      });
      await act('reconcile');
      await act('enable');
      await waitFor(
        'the scan',
        () => scan.hits(),
        (hits) => hits > 0,
      );
      await waitFor(
        'the other one to be in the team',
        () => inTeam('Waiting'),
        (ids) => ids.length === 1 && ids[0] === current,
      );
    });
  });
});
