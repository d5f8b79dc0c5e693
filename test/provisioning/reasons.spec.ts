import type { FaultSpec, SimAccount } from '../../simulator/simulator';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { FAILURE_REMEDIES } from '../support/failed-answers';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePassSinceHeld } from './support/passing-time';

const NAMES = ['ada', 'bo', 'cy', 'dee'];
const OF_A_TEAM = 500;

let scimify: Scimify;
let tenantId: string;
let account: SimAccount;
let integration: TestIntegration;
let users: Record<string, string>;
let worlds = 0;

beforeAll(async () => {
  scimify = await Scimify.start();
  tenantId = await scimify.createTenant();
});
afterAll(() => scimify.stop());

beforeEach(() => {
  worlds += 1;
  account = scimify.pagerDuty.addAccount({ subdomain: `acme-${worlds}`, region: 'us' });
  for (const name of NAMES) account.addUser({ email: email(name) });
});
afterEach(async () => {
  jest.restoreAllMocks();
  scimify.pagerDuty.clearFaults();
  await act('disable');
});

const email = (name: string) => `${name}@acme-${worlds}.example`;
const personOf = (name: string) => account.user(email(name))!.id;
const teamOf = (name: string) => account.team(name)!.id;
const path = (rest: string) => `/integrations/${integration.id}${rest}`;
const act = (verb: string, body?: object) => scimify.admin.post(path(`/${verb}`), body);
const fail = (fault: FaultSpec) => scimify.pagerDuty.inject({ ...fault, account: `us.${account.subdomain}` });

async function connect(policies: object = WITHOUT_GUARD, secret = account.addApiKey()): Promise<void> {
  integration = await scimify.createIntegration({ tenantId, authMethod: 'api_key', secret, policies });
  const ids = await integration.scim.createUsers(NAMES.map(email));
  users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
}

async function pushGroup(name: string, ...members: string[]): Promise<string> {
  return integration.scim.createGroup(
    name,
    members.map((member) => users[member]!),
  );
}

/** A synced group. */
async function syncedGroup(name: string, ...members: string[]): Promise<string> {
  const group = await pushGroup(name, ...members);
  await scimify.settled(integration);
  return group;
}

function setEmail(name: string, value: string) {
  return integration.scim.patchOperations(`/Users/${users[name]}`, {
    op: 'replace',
    value: { emails: [{ primary: true, type: 'work', value }] },
  });
}

/** A reconciliation leaves recent writes for the next one. */
async function reconcileLongAfterwards(): Promise<void> {
  await scimify.app
    .get(TransactionRunner)
    .run((tx) => tx.query('UPDATE remote_group SET lastWriteAt = lastWriteAt - 300000'));
  await act('reconcile');
}

interface Said {
  reason: string | null;
  message: string | null;
}

/** A place where people read the reason. */
type Place = () => Promise<Said | undefined>;

const ofGroup =
  (group: string): Place =>
  async () =>
    (await scimify.admin.get(path(`/groups/${group}`))).body;
const ofMember =
  (group: string, name: string): Place =>
  async () =>
    (await scimify.members(integration, group)).find(({ userId }) => userId === users[name]);
const ofUser =
  (name: string): Place =>
  async () =>
    (await scimify.admin.get(path(`/users?search=${name}`))).body.items[0];
const ofIntegration: Place = async () => (await scimify.admin.get(path(''))).body.suspension ?? undefined;
const plan = async () => (await scimify.admin.get(path('/plan'))).body;
const plannedFor = async (group: string) =>
  (await plan()).groups.find(({ groupId }: { groupId: string }) => groupId === group);
const ofPlannedGroup =
  (group: string): Place =>
  () =>
    plannedFor(group);
const ofPlannedPerson =
  (group: string): Place =>
  async () =>
    (await plannedFor(group))?.unresolved[0];
const ofPlan: Place = async () => (await plan()).problem ?? undefined;

interface Case {
  reason: string;
  where: string;
  says: string | RegExp | (() => string);
  provoke: () => Promise<Place>;
}

const HELD =
  'The identity provider removes so much at once that an admin has to agree first: approve or reject the held change.';
const REJECTED =
  'An admin rejected it, so Scimify does not do it. To allow it later, lift the decision: DELETE /held-changes/{id}.';
const LEAVER_WAITS =
  'A user that the identity provider deactivated or deleted is still in the team, because a held change has waited for an admin for more than a day. Approve it or reject it: GET …/held-changes lists it.';
const TOO_LONG =
  'The name has 101 characters and PagerDuty takes 100. Give the group a shorter name in the identity provider.';
const STRANGE_ACCOUNT = () =>
  `The credential belongs to https://other-${worlds}.pagerduty.com, but this integration writes to https://acme-${worlds}.pagerduty.com. ` +
  `Give a credential of https://acme-${worlds}.pagerduty.com; to move to the other account, rebind the integration.`;
const NOBODY_HAS = (address: string) =>
  `No PagerDuty user has the login address ${address}. Create the PagerDuty user, correct the address, or set a remote link.`;

/** With these policies, the loss of all three members of a team is too much. */
const GUARDED = {};

async function threeWhoAreHeld(): Promise<string> {
  await connect(GUARDED);
  const group = await syncedGroup('On-call', 'ada', 'bo', 'cy');
  await integration.scim.removeMembers(group, users.ada!, users.bo!, users.cy!);
  await scimify.settled(integration, ['held']);
  return group;
}

const heldChanges = async () => (await scimify.admin.get(path('/held-changes'))).body.items;

async function threeWhoseRemovalIsRejected(): Promise<string> {
  const group = await threeWhoAreHeld();
  const [change] = await heldChanges();
  await scimify.admin.post(`/held-changes/${change.id}/reject`);
  return group;
}

/** The leaver's removal is held for more than a day. */
async function leaverWhoWaitsForDecision(): Promise<string> {
  const group = await threeWhoAreHeld();
  await integration.scim.setActive(users.ada!, false);
  await letTimePassSinceHeld(scimify, 25 * 60 * 60_000);
  return group;
}

/** The team exists, but Scimify got no response. */
async function groupWhoseCreationHadNoAnswer(name: string): Promise<string> {
  await connect();
  fail({ method: 'POST', path: '/teams', drop: true, afterEffect: true, times: 1 });
  const group = await pushGroup(name, 'ada');
  await waitFor(
    'the creation to have no answer',
    ofGroup(group),
    (seen) => seen !== undefined && seen.reason !== null,
  );
  return group;
}

async function twoAdoptedTeamsThatAreGone(): Promise<Place> {
  await connect();
  const names = ['One', 'Two'];
  for (const name of names) account.addTeam({ name });
  for (const name of names) await pushGroup(name, 'ada');
  await scimify.settled(integration);
  for (const name of names) account.removeTeam(teamOf(name));
  await reconcileLongAfterwards();
  return ofIntegration;
}

/** From now on the integration's key belongs to another account. */
async function keyMovedToAnotherAccount(): Promise<Place> {
  const key = account.addApiKey();
  await connect(WITHOUT_GUARD, key);
  await syncedGroup('On-call', 'ada');
  await act('pause');
  const other = scimify.pagerDuty.addAccount({ subdomain: `other-${worlds}`, region: 'us' });
  other.addUser({ email: 'owner@other.example', role: 'owner' });
  scimify.pagerDuty.removeKey(key);
  other.addApiKey({ key });
  await pushGroup('Second', 'ada');
  await act('enable');
  return ofIntegration;
}

async function secretOfAnotherAccount(): Promise<Place> {
  await connect();
  await syncedGroup('On-call', 'ada');
  const other = scimify.pagerDuty.addAccount({ subdomain: `other-${worlds}`, region: 'us' });
  other.addUser({ email: 'owner@other.example', role: 'owner' });
  const secret = other.addApiKey();
  return async () => {
    const { body } = await scimify.admin.put(path('/secret'), { secret });
    return { reason: body.code, message: body.detail };
  };
}

async function refusedCredential(): Promise<string> {
  const key = account.addApiKey();
  await connect(WITHOUT_GUARD, key);
  await act('pause');
  scimify.pagerDuty.disableKey(key);
  return pushGroup('On-call', 'ada');
}

const CASES: Case[] = [
  {
    reason: 'user_not_found',
    where: 'a member',
    says: () => NOBODY_HAS(email('ghost')),
    provoke: async () => {
      await connect();
      users.ghost = await integration.scim.createUser(email('ghost'));
      return ofMember(await pushGroup('On-call', 'ada', 'ghost'), 'ghost');
    },
  },
  {
    reason: 'user_not_found',
    where: 'a member without an address',
    says: 'The identity provider sends no usable e-mail address for this user, and PagerDuty finds users by address. Give the user an address, or set a remote link.',
    provoke: async () => {
      await connect();
      users.jane = await integration.scim.createUser('jane', { emails: [] });
      return ofMember(await pushGroup('On-call', 'ada', 'jane'), 'jane');
    },
  },
  {
    reason: 'user_ambiguous',
    where: 'a member',
    says: () =>
      `2 PagerDuty users have the login address ${email('jane')}: P1, P2. Set a remote link to the right one.`,
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada');
      const rows = ['P1', 'P2'].map((id) => ({ id, type: 'user', email: email('jane') }));
      fail({ path: '/users', status: 200, body: { users: rows, limit: 100, offset: 0, more: false } });
      users.jane = await integration.scim.createUser(email('jane'));
      await integration.scim.addMembers(group, users.jane);
      return ofMember(group, 'jane');
    },
  },
  {
    reason: 'email_differs',
    where: 'a user',
    says: () => NOBODY_HAS(email('renamed')),
    provoke: async () => {
      await connect();
      await syncedGroup('On-call', 'ada');
      await setEmail('ada', email('renamed'));
      return ofUser('ada');
    },
  },
  {
    reason: 'pinned_address_changed',
    where: 'a user',
    says: () =>
      `An admin linked this user to a person with the address ${email('dee')} in the target, which is now ${email('renamed')}. ` +
      'Check who is meant. Set the remote link again, or remove it.',
    provoke: async () => {
      await connect();
      await syncedGroup('On-call', 'ada');
      const remoteUserId = personOf('dee');
      await scimify.admin.put(path(`/users/${users.ada}/remote-link`), { remoteUserId });
      const reconciled = async () => (await scimify.admin.get(path('/overview'))).body.reconciliation;
      await act('reconcile');
      await waitFor('a first look', reconciled, ({ lastCompletedAt }) => lastCompletedAt !== null);
      account.updateUser(remoteUserId, { email: email('renamed') });
      await act('reconcile');
      return ofUser('ada');
    },
  },
  {
    reason: 'shared_remote_user',
    where: 'a user',
    says: () =>
      `In the target this is the same person as ${email('ada')}, who stays in a team while one of these users is an active member. If this is a mistake, correct the address of one user, or remove a remote link.`,
    provoke: async () => {
      await connect();
      await syncedGroup('On-call', 'ada', 'bo');
      await scimify.admin.put(path(`/users/${users.bo}/remote-link`), { remoteUserId: personOf('ada') });
      return ofUser('bo');
    },
  },
  {
    reason: 'user_gone',
    where: 'a user in no group whom PagerDuty no longer has',
    says: 'The linked person no longer exists in the target. Scimify looks up the user again.',
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada', 'bo');
      await integration.scim.removeMembers(group, users.ada!);
      await scimify.settled(integration);
      account.removeUser(personOf('ada'));
      await reconcileLongAfterwards();
      return ofUser('ada');
    },
  },
  {
    reason: 'team_full',
    where: 'a member',
    says: `The team has ${OF_A_TEAM} members, which is the maximum. Split the group, or remove members from it.`,
    provoke: async () => {
      await connect();
      const { id } = account.addTeam({ name: 'On-call' });
      for (const person of account.addUsers(OF_A_TEAM)) account.addMember(id, person.id);
      return ofMember(await pushGroup('On-call', 'ada'), 'ada');
    },
  },
  {
    reason: 'not_visible_yet',
    where: 'a member',
    says:
      'PagerDuty answers "not found" to the call that adds the user, although it shows both the team and the user. ' +
      'Nothing needs to be done. Scimify tries again.',
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada');
      fail({ method: 'PUT', path: `/teams/${teamOf('On-call')}/users/${personOf('bo')}`, status: 404 });
      await integration.scim.addMembers(group, users.bo!);
      return ofMember(group, 'bo');
    },
  },
  {
    reason: 'waits_for_additions',
    where: 'a member',
    says: 'The user leaves the team after the new members have joined.',
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada', 'bo');
      fail({ method: 'PUT', path: `/teams/${teamOf('On-call')}/users/${personOf('cy')}`, status: 500 });
      await integration.scim.addMembers(group, users.cy!);
      await integration.scim.removeMembers(group, users.bo!);
      return ofMember(group, 'bo');
    },
  },
  {
    reason: 'leaver_still_on_team',
    where: 'a group',
    says: () => 'A user that the identity provider deactivated or deleted is still in the team.',
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada', 'bo');
      account.associate(teamOf('On-call'), 'Escalation Policies', { userIds: [personOf('ada')] });
      await integration.scim.setActive(users.ada!, false);
      const shown = ofGroup(group);
      return async () => {
        const seen = (await shown())!;
        const remedy = FAILURE_REMEDIES.member_on_escalation_policy;
        const message = seen.message?.replace(/ PagerDuty did not remove .*$/, '') ?? null;
        return seen.message?.endsWith(remedy) ? { ...seen, message } : seen;
      };
    },
  },
  {
    reason: 'mass_change_held',
    where: 'a group',
    says: HELD,
    provoke: async () => ofGroup(await threeWhoAreHeld()),
  },
  {
    reason: 'mass_change_held',
    where: 'a member',
    says: HELD,
    provoke: async () => ofMember(await threeWhoAreHeld(), 'ada'),
  },
  {
    reason: 'leaver_waits_for_decision',
    where: 'a group',
    says: LEAVER_WAITS,
    provoke: async () => ofGroup(await leaverWhoWaitsForDecision()),
  },
  {
    reason: 'leaver_waits_for_decision',
    where: 'a member',
    says: LEAVER_WAITS,
    provoke: async () => ofMember(await leaverWhoWaitsForDecision(), 'ada'),
  },
  {
    reason: 'removal_rejected',
    where: 'a group',
    says: REJECTED,
    provoke: async () => ofGroup(await threeWhoseRemovalIsRejected()),
  },
  {
    reason: 'removal_rejected',
    where: 'a member',
    says: REJECTED,
    provoke: async () => ofMember(await threeWhoseRemovalIsRejected(), 'bo'),
  },
  {
    reason: 'team_exists',
    where: 'a group',
    says: 'A team named "ON-CALL" exists already and this integration does not adopt teams. Rename one of them, or let the integration adopt existing teams.',
    provoke: async () => {
      await connect({ existingTeams: 'fail' });
      account.addTeam({ name: 'ON-CALL' });
      return ofGroup(await pushGroup('On-call', 'ada'));
    },
  },
  {
    reason: 'team_claimed',
    where: 'a group whose team is that of another integration',
    says: 'The team "On-call" belongs to a group of another integration. Rename this group, or rename or delete the other group first.',
    provoke: async () => {
      await connect();
      await syncedGroup('On-call', 'ada');
      await connect();
      return ofGroup(await pushGroup('On-call', 'ada'));
    },
  },
  {
    reason: 'name_not_free_yet',
    where: 'a group without a team',
    says: 'The name "Two" is not free yet: the team of the group "One" still has it and is about to be renamed. Nothing needs to be done. Scimify tries again.',
    provoke: async () => {
      await connect();
      await syncedGroup('One', 'ada');
      account.renameTeam(teamOf('One'), 'Two');
      return ofGroup(await pushGroup('Two', 'bo'));
    },
  },
  {
    reason: 'name_too_long',
    where: 'a group without a team',
    says: TOO_LONG,
    provoke: async () => {
      await connect();
      return ofGroup(await pushGroup('x'.repeat(101), 'ada'));
    },
  },
  {
    reason: 'name_too_long',
    where: 'a group that is renamed',
    says: TOO_LONG,
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada');
      await integration.scim.renameGroup(group, 'x'.repeat(101));
      return ofGroup(group);
    },
  },
  {
    reason: 'name_not_free_yet',
    where: 'a group',
    says: 'The name "Two" is not free yet: another team of this integration still has it and is about to be renamed. Nothing needs to be done. Scimify tries again.',
    provoke: async () => {
      await connect();
      const one = await syncedGroup('One', 'ada');
      const two = await syncedGroup('Two', 'ada');
      fail({ method: 'PUT', path: `/teams/${teamOf('Two')}`, status: 503 });
      await act('pause');
      await integration.scim.renameGroup(two, 'Three');
      await integration.scim.renameGroup(one, 'Two');
      await act('enable');
      return ofGroup(one);
    },
  },
  {
    reason: 'creation_unconfirmed',
    where: 'a group',
    says: 'It is not known yet whether the team "On-call" was created. Nothing needs to be done. Scimify checks in a moment.',
    provoke: async () => ofGroup(await groupWhoseCreationHadNoAnswer('On-call')),
  },
  {
    reason: 'creation_unconfirmed',
    where: 'the plan',
    says: 'It is not known yet whether the team "On-call" was created.',
    provoke: async () => {
      const first = await groupWhoseCreationHadNoAnswer('On-call');
      await act('pause');
      await integration.scim.renameGroup(first, 'Renamed');
      return ofPlannedGroup(await pushGroup('On-call', 'bo'));
    },
  },
  {
    reason: 'taken_over',
    where: 'the plan',
    says: 'A new group with the same name takes over the team.',
    provoke: async () => {
      await connect();
      const group = await syncedGroup('On-call', 'ada');
      await act('pause');
      await integration.scim.delete(`/Groups/${group}`);
      await pushGroup('On-call', 'bo');
      return ofPlannedGroup(group);
    },
  },
  {
    reason: 'team_left',
    where: 'the plan',
    says: 'The group was deleted. Scimify leaves its team unchanged.',
    provoke: async () => {
      await connect({ onGroupDelete: 'leave' });
      const group = await syncedGroup('On-call', 'ada');
      await act('pause');
      await integration.scim.delete(`/Groups/${group}`);
      return ofPlannedGroup(group);
    },
  },
  {
    reason: 'not_looked_up',
    where: 'a group in the plan',
    says: /^Scimify could not look up whether a team with this name exists\. PagerDuty did not .* Check that the key/,
    provoke: async () => ofPlannedGroup(await refusedCredential()),
  },
  {
    reason: 'not_looked_up',
    where: 'a person in the plan',
    says: /^Scimify could not look up the user\. PagerDuty did not .* Check that the key/,
    provoke: async () => ofPlannedPerson(await refusedCredential()),
  },
  {
    reason: 'timed_out',
    where: 'the plan',
    says: 'PagerDuty did not answer everything within 20 seconds. Request a smaller page, or try later.',
    provoke: async () => {
      await connect();
      await act('pause');
      await pushGroup('On-call', 'ada');
      fail({ method: 'GET', path: /^\/(users|teams)/, latencyMs: 5_000 });
      const within = AbortSignal.timeout.bind(AbortSignal);
      jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => within(ms === 20_000 ? 500 : ms));
      return ofPlan;
    },
  },
  {
    reason: 'integration_paused',
    where: 'a group',
    says: 'The integration is paused: nothing is written until an admin enables it.',
    provoke: async () => {
      await connect();
      await act('pause');
      return ofGroup(await pushGroup('On-call', 'ada'));
    },
  },
  {
    reason: 'integration_disabled',
    where: 'a member',
    says: 'The integration is disabled: changes of the identity provider are refused, and nothing is written until an admin enables it.',
    provoke: async () => {
      await connect();
      await act('pause');
      const group = await pushGroup('On-call', 'ada');
      await act('disable');
      return ofMember(group, 'ada');
    },
  },
  {
    reason: 'visibility_lost',
    where: 'the integration',
    says: 'The credential no longer sees 2 of 2 teams. If it lost its rights, restore them and reconcile. If they were really deleted, reconcile with acceptMissingTeams to create them again.',
    provoke: twoAdoptedTeamsThatAreGone,
  },
  {
    reason: 'account_mismatch',
    where: 'the integration',
    says: STRANGE_ACCOUNT,
    provoke: keyMovedToAnotherAccount,
  },
  {
    reason: 'account_mismatch',
    where: 'the answer to a new secret',
    says: () => `${STRANGE_ACCOUNT()} Nothing was stored.`,
    provoke: secretOfAnotherAccount,
  },
  {
    reason: 'settings_refused',
    where: 'the integration',
    says: /^This version of Scimify does not accept the stored settings, so it sends nothing to the target: flavour: .* Change these settings of the integration\. It continues at once\.$/,
    provoke: async () => {
      await connect();
      await act('pause');
      await pushGroup('On-call', 'ada');
      await scimify.app
        .get(TransactionRunner)
        .run((tx) =>
          tx.query('UPDATE integration SET settings = ? WHERE id = ?', [
            JSON.stringify({ authMethod: 'api_key', accountRegion: 'us', flavour: 'mild' }),
            integration.id,
          ]),
        );
      await act('enable');
      return ofIntegration;
    },
  },
  {
    reason: 'secret_unreadable',
    where: 'the integration',
    says: 'The stored secret cannot be decrypted, so Scimify sends nothing to the target. Store the secret again. If many integrations show this, ask the operator to check SCIMIFY_ENCRYPTION_KEY and who has written to the database.',
    provoke: async () => {
      await connect();
      await act('pause');
      await pushGroup('On-call', 'ada');
      await scimify.app
        .get(TransactionRunner)
        .run((tx) => tx.query("UPDATE integration SET secretCiphertext = '' WHERE id = ?", [integration.id]));
      await act('enable');
      return ofIntegration;
    },
  },
];

describe('why something is not in step', () => {
  it.each(CASES)('is said to a person: $reason, of $where', async ({ reason, says, provoke }) => {
    const place = await provoke();
    const said = await waitFor(`the reason ${reason}`, place, (seen) => seen?.reason === reason);
    const sentence = typeof says === 'function' ? says() : says;
    if (typeof sentence === 'string') expect(said).toMatchObject({ reason, message: sentence });
    else expect(said?.message).toMatch(sentence);
  });
});

describe('what an admin is asked to agree to', () => {
  const decide = 'Approve this change if it is intended, or reject it.';
  const theHeldChange = () =>
    waitFor('a change to be held', heldChanges, (changes) => changes.length > 0).then(([change]) => change);

  it('is said of one team', async () => {
    await threeWhoAreHeld();
    expect(await theHeldChange()).toMatchObject({
      scope: 'team',
      message: `The identity provider removes most members from "On-call" within an hour. ${decide}`,
    });
  });

  it('is said of the whole integration', async () => {
    await connect({ guard: { teamPercent: 0, integrationPercent: 10, integrationMembers: 1 } });
    const group = await syncedGroup('On-call', 'ada', 'bo');
    await integration.scim.removeMembers(group, users.ada!);
    expect(await theHeldChange()).toMatchObject({
      scope: 'integration',
      message: `The identity provider removes a large part of all members from their groups within an hour. ${decide}`,
    });
  });

  it('is said of deleted groups', async () => {
    await connect({ guard: { deletedTeams: 1 } });
    const groups = [await pushGroup('One'), await syncedGroup('Two')];
    for (const group of groups) await integration.scim.delete(`/Groups/${group}`);
    expect(await theHeldChange()).toMatchObject({
      scope: 'deletions',
      message: `The identity provider deletes many groups within an hour. ${decide}`,
    });
  });
});

describe('what was changed in PagerDuty by hand', () => {
  const drift = async (): Promise<{ kind: string; message: string }[]> =>
    (await scimify.admin.get(path('/drift'))).body.items;

  it.each([
    ['keep', 'keeps'],
    ['remove', 'removes'],
  ])('is said with what becomes of it, under unmanagedMembers: %s', async (unmanagedMembers, fate) => {
    await connect({ ...WITHOUT_GUARD, unmanagedMembers });
    for (const name of ['One', 'Two', 'Three']) account.addTeam({ name });
    for (const name of ['One', 'Two', 'Three']) await pushGroup(name, 'ada', 'bo');
    await scimify.settled(integration);
    account.removeTeam(teamOf('One'));
    account.removeMember(teamOf('Two'), personOf('bo'));
    account.addMember(teamOf('Two'), personOf('dee'));
    account.renameTeam(teamOf('Two'), 'By hand');
    await reconcileLongAfterwards();
    const found = await waitFor('the drift', drift, ({ length }) => length === 4);
    expect(Object.fromEntries(found.map(({ kind, message }) => [kind, message]))).toEqual({
      team_missing: 'The team "One" was deleted in the target. Scimify creates it again.',
      team_renamed: 'The team "Two" was renamed to "By hand" in the target. Scimify restores the name.',
      member_missing: 'A member was removed from the team in the target. Scimify adds the member again.',
      member_extra: `The team has a member that the identity provider never put into the group. Scimify ${fate} the member.`,
    });
  });
});
