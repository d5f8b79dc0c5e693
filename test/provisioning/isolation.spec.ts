import type { FaultSpec, SimAccount } from '../../simulator/simulator';
import { Scimify, WITHOUT_GUARD, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const GROUPS = 40;
const CHANGES = 9;
const HANGING = 40;
/** Until the next attempt, after a few that failed. */
const LONGEST_WAIT_MS = 15 * 60_000;
const email = (user: number) => `user.${user}@example.com`;
const emails = Array.from({ length: 10 }, (_, user) => email(user));

/**
 * The latency mostly depends on the machine's load. If an outage affected it, a time-out of ten seconds would be
 * added.
 */
const boundOf = (median: number) => Math.max(5_000, 10 * median);

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

describe('two tenants, of whom one has a PagerDuty account that is away', () => {
  let scimify: Scimify;
  let theirAccount: SimAccount;
  let theirs: TestIntegration;
  let theirUsers: string[];
  const theirGroups: string[] = [];
  let ours: TestIntegration;
  let ourUsers: string[];
  let ourGroup: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    theirAccount = scimify.pagerDuty.addAccount({ subdomain: 'globex', region: 'us' });
    for (const account of [theirAccount, scimify.pagerDuty]) {
      account.addUsers(emails.map((address) => ({ email: address })));
    }
    theirs = await integrationWith(theirAccount);
    ours = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    theirUsers = await theirs.scim.createUsers(emails);
    ourUsers = await ours.scim.createUsers(emails);
    theirGroups.length = 0;
    for (let group = 0; group < GROUPS; group++) {
      theirGroups.push(await theirs.scim.createGroup(`Team ${group}`, theirUsers.slice(0, 3)));
    }
    ourGroup = await ours.scim.createGroup('On-call', ourUsers.slice(0, 3));
    await scimify.settled(theirs);
    await scimify.settled(ours);
    scimify.pagerDuty.clearCalls();
  }, 60_000);

  afterEach(() => scimify.stop());

  const integrationWith = async (account: SimAccount): Promise<TestIntegration> => {
    const tenantId = await scimify.createTenant('Globex');
    const { body } = await scimify.admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret: account.addApiKey(),
    });
    const key = await scimify.admin.post(`/integrations/${body.id}/scim-keys`, { name: 'Okta' });
    await scimify.admin.post(`/integrations/${body.id}/enable`);
    const scimKey = key.body.token;
    return { id: body.id, tenantId, scimKey, scim: scimify.scimWith(body.id, scimKey) };
  };

  const isIn = (member: string) => scimify.teams()['On-call']!.includes(member);

  /** Milliseconds from each PATCH until its effect: one person joins and leaves by turns. */
  const latencies = async (): Promise<number[]> => {
    const measured: number[] = [];
    for (let change = 0; change < CHANGES; change++) {
      const joins = change % 2 === 0;
      const began = performance.now();
      const patch = joins ? ours.scim.addMembers : ours.scim.removeMembers;
      expect((await patch.call(ours.scim, ourGroup, ourUsers[5]!)).status).toBe(204);
      await waitFor(
        `the person to ${joins ? 'join' : 'leave'}`,
        () => isIn(email(5)),
        (there) => there === joins,
      );
      measured.push(performance.now() - began);
    }
    await ours.scim.removeMembers(ourGroup, ourUsers[5]!);
    await scimify.settled(ours);
    return measured;
  };

  const theirCalls = () =>
    scimify.pagerDuty.calls().filter(({ credential }) => credential.account === 'us.globex');

  it.each<[string, FaultSpec, string]>([
    ['hangs on every call', { latencyMs: 600_000 }, 'timeout'],
    ['breaks every connection', { drop: true }, 'connection_broken'],
    ['answers every call with 500', { status: 500 }, 'server_error'],
  ])(
    'the other one notices nothing of an account that %s; when it is well again, everything is made up for',
    async (_, fault, reason) => {
      const before = await latencies();
      scimify.pagerDuty.inject({ ...fault, account: 'us.globex' });
      for (const group of theirGroups) await theirs.scim.addMembers(group, theirUsers[3]!, theirUsers[4]!);
      await waitFor('the account to be called', theirCalls, (calls) => calls.length >= 4);
      const meanwhile = await latencies();
      expect(Math.max(...meanwhile)).toBeLessThan(boundOf(medianOf(before)));

      const retrying = await waitFor(
        'a group of the other tenant to say why it is not done',
        async () => (await scimify.groups(theirs)).filter(({ state }) => state === 'retrying'),
        (groups) => groups.length > 0,
      );
      expect(retrying[0]).toMatchObject({ reason, nextAttemptAt: expect.any(String) });
      expect(await scimify.groups(ours)).toMatchObject([{ state: 'synced' }]);

      scimify.pagerDuty.clearFaults();
      await letTimePass(scimify, LONGEST_WAIT_MS);
      await scimify.settled(theirs, ['synced'], 60_000);
      const members = theirAccount.teams().map((team) => team.members.map((member) => member.email).sort());
      expect(members).toEqual(Array.from({ length: GROUPS }, () => emails.slice(0, 5)));
    },
    100_000,
  );

  it('the other one notices nothing of forty integrations that hang at the same time', async () => {
    const hanging: TestIntegration[] = [];
    for (let nth = 0; nth < HANGING; nth++) hanging.push(await integrationWith(theirAccount));
    const before = await latencies();
    scimify.pagerDuty.inject({ latencyMs: 600_000, account: 'us.globex' });
    for (const [nth, { scim }] of hanging.entries()) await scim.createGroup(`Hanging ${nth}`);
    for (const { id } of hanging) {
      await waitFor(
        'it to be known to be away',
        async () => (await scimify.admin.get(`/integrations/${id}`)).body.connection.status,
        (status) => status === 'failed',
        90_000,
      );
    }
    expect(Math.max(...(await latencies()))).toBeLessThan(boundOf(medianOf(before)));
  }, 150_000);
});
