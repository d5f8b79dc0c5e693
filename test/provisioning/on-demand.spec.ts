import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { leaveAlone } from './support/passing-time';

let scimify: Scimify;

beforeAll(async () => {
  scimify = await Scimify.start();
});

afterAll(() => scimify.stop());

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Every retry that an admin can request. */
const DEMANDS = {
  sync: () => '/sync',
  retry: (groupId: string) => `/groups/${groupId}/retry`,
  reconcile: () => '/reconcile',
  'connection-test': () => '/connection-test',
};

describe.each(Object.entries(DEMANDS))(
  'what is remembered of failures, once an admin asks for a %s,',
  (name, path) => {
    const subdomain = `of-${name}`;
    const email = (person: string) => `${person}@${subdomain}.example`;
    let account: SimAccount;
    let app: { clientId: string; clientSecret: string };
    let integration: TestIntegration;
    let users: string[];
    let groupId: string;

    beforeAll(async () => {
      account = scimify.pagerDuty.addAccount({ subdomain, region: 'us' });
      account.addUser({ email: email('ada') });
      account.addUser({ email: email('bo'), role: 'read_only_user' });
      app = account.addOAuthClient();
      integration = await scimify.createIntegration({
        settings: { clientId: app.clientId, accountSubdomain: subdomain },
        secret: app.clientSecret,
      });
      users = await integration.scim.createUsers(['ada', 'bo', 'cy'].map(email));
      groupId = await integration.scim.createGroup('On-call');
      await scimify.settled(integration);
    });

    const demand = async () => {
      const { status } = await scimify.admin.post(`/integrations/${integration.id}${path(groupId)}`);
      expect(status).toBe(name === 'connection-test' ? 200 : 202);
    };
    const shown = async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body;
    const untilInTeam = (...people: string[]) =>
      waitFor(
        `${people.join()} to be in the team`,
        () => account.teams()[0]!.members.map((member) => member.email),
        (emails) => people.every((person) => emails.includes(email(person))),
      );
    const members = async () =>
      Object.fromEntries(
        (await scimify.members(integration, groupId)).map((member) => [member.email, member] as const),
      );

    it('is no refused token', async () => {
      scimify.pagerDuty.setClientSecret(app.clientId, 'another-secret-0123456789');
      scimify.pagerDuty.revokeAllTokens(app.clientId);
      await integration.scim.addMembers(groupId, users[0]!);
      await waitFor('a suspension', shown, ({ suspension }) => suspension?.reason === 'oauth_client_refused');
      scimify.pagerDuty.setClientSecret(app.clientId, app.clientSecret);
      await demand();
      await untilInTeam('ada');
      await waitFor('the suspension to end', shown, ({ suspension }) => suspension === null);
    });

    it('is no refusal that is still under way either', async () => {
      scimify.pagerDuty.revokeAllTokens(app.clientId);
      const path = '/oauth/token';
      const fault = { path, account: `us.${subdomain}`, status: 401, latencyMs: 1_500, times: 1 };
      const refusal = scimify.pagerDuty.inject(fault);
      await integration.scim.removeMembers(groupId, users[0]!);
      await waitFor('the token to be asked for', refusal.hits, (hits) => hits === 1);
      await demand();
      await waitFor(
        'the removal',
        () => account.teams()[0]!.members.length,
        (length) => length === 0,
      );
      await waitFor('no suspension', shown, ({ suspension }) => suspension === null);
    });

    it('is neither a refusal, nor a look-up that found nobody, nor a back-off of the account', async () => {
      await integration.scim.addMembers(groupId, users[1]!, users[2]!);
      const reasonOf = (person: string, seen: Record<string, any>) => seen[email(person)]?.reason;
      const areKnownToFail = (seen: Record<string, any>) =>
        reasonOf('bo', seen) === 'user_is_stakeholder' && reasonOf('cy', seen) === 'user_not_found';
      await waitFor('what is wrong with both', members, areKnownToFail);
      await scimify.settled(integration, ['partial']);
      const nextAttemptOf = (person: string, seen: Record<string, any>) =>
        Date.parse(seen[email(person)].nextAttemptAt);
      const before = await members();
      await demand();
      const after = await waitFor(
        'both to fail again',
        members,
        (seen) =>
          areKnownToFail(seen) &&
          ['bo', 'cy'].every((person) => nextAttemptOf(person, seen) > nextAttemptOf(person, before)),
      );
      // After that they wait no longer than after the first failure.
      expect(nextAttemptOf('bo', after)).toBeLessThanOrEqual(Date.now() + HOUR);
      expect(nextAttemptOf('cy', after)).toBeLessThanOrEqual(Date.now() + 5 * MINUTE);

      account.updateUser(account.user(email('bo'))!.id, { role: 'user' });
      account.addUser({ email: email('cy') });
      await leaveAlone(scimify, integration.id, HOUR);
      await demand();
      await untilInTeam('bo', 'cy');
    });

    it('is no look-up that is still under way', async () => {
      const [dee] = await integration.scim.createUsers([email('dee')]);
      const body = { users: [], limit: 100, offset: 0, more: false, total: 0 };
      const path = /^\/users\?.*query=dee/;
      const nobody = { path, account: `us.${subdomain}`, status: 200, body, latencyMs: 1_500, times: 1 };
      const lookUp = scimify.pagerDuty.inject(nobody);
      await integration.scim.addMembers(groupId, dee!);
      await waitFor('the look-up', lookUp.hits, (hits) => hits === 1);
      account.addUser({ email: email('dee') });
      await demand();
      await untilInTeam('dee');
    });
  },
);
