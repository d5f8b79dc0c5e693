import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { HttpService } from '@nestjs/axios';
import type { Fault } from '../../simulator/faults';
import type { SimAccount } from '../../simulator/simulator';
import type { Operation } from '../../src/pagerduty/api/failures';
import { Scimify, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import {
  CALL_TIMEOUT_MS,
  CALLS,
  type Call,
  expectedOf,
  type Expected,
  FAILURES,
  type Failing,
  HOUR,
  MINUTE,
  SECOND_TEAM,
  TEAM,
  type World,
} from './support/failing-calls';

let scimify: Scimify;
let tenantId: string;

async function worldFor(call: Call, subdomain: string): Promise<World> {
  const account = scimify.pagerDuty.addAccount({ subdomain, region: 'us' });
  const email = (name: string) => `${name}@${subdomain}.example`;
  const names = ['ada', 'bo', 'cy'];
  for (const name of names) account.addUser({ email: email(name) });
  const app = call.operation === 'get_token' ? account.addOAuthClient() : null;
  const integration = await scimify.createIntegration({
    tenantId,
    ...(app
      ? {
          authMethod: 'oauth',
          settings: { clientId: app.clientId, accountSubdomain: subdomain },
          secret: app.clientSecret,
        }
      : { authMethod: 'api_key', secret: account.addApiKey() }),
    policies: WITHOUT_GUARD,
    enable: !call.forAccount,
  });
  const ids = await integration.scim.createUsers(names.map(email));
  const users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  const group = await integration.scim.createGroup(TEAM, [users.ada!, users.bo!]);
  if (!call.forAccount) await scimify.settled(integration, ['synced'], MINUTE);
  return { admin: scimify.admin, account, integration, users, group, email };
}

interface Seen {
  integration: any;
  group: any;
}

async function look({ integration }: World, groupId: string): Promise<Seen> {
  // Many tests look at once, and share the machine with the engine.
  await pause(150);
  const path = `/integrations/${integration.id}`;
  return {
    integration: (await scimify.admin.get(path)).body,
    group: (await scimify.admin.get(`${path}/groups/${groupId}`)).body,
  };
}

const untilSeen = (world: World, groupId: string, what: string, isSo: (seen: Seen) => boolean) =>
  waitFor(what, () => look(world, groupId), isSo, MINUTE);

function expectBetween(time: string, from: number, to: number): void {
  expect(Date.parse(time)).toBeGreaterThanOrEqual(from);
  expect(Date.parse(time)).toBeLessThanOrEqual(to);
}

interface Attempt {
  world: World;
  groupId: string;
  call: Call;
  failing: Failing;
  /** Each attempt postpones the next one further. */
  isFirst: boolean;
  startedAt: number;
}

/** The integration, the group and the member show the cause, the remedy and the time of the next attempt. */
async function expectShown(attempt: Attempt): Promise<void> {
  const expected = expectedOf(attempt.call, attempt.failing);
  if (expected.outcome === 'suspended') await expectSuspended(attempt, expected);
  else if (attempt.call.forAccount) await expectConnectionFailed(attempt, expected);
  else await expectGroupWaits(attempt, expected);
}

async function expectSuspended(
  { world, groupId, call, failing, startedAt }: Attempt,
  { reason }: Expected,
): Promise<void> {
  const message = failing.classified(call.operation).explanation;
  const { integration, group } = await untilSeen(
    world,
    groupId,
    `a suspension for ${reason}`,
    // The message of an earlier attempt is shown until this one is recorded.
    ({ integration: { suspension } }) =>
      suspension?.message === message && Date.parse(suspension.nextProbeAt) >= startedAt + 5 * MINUTE,
  );
  expect(integration).toMatchObject({
    suspension: { reason },
    connection: { status: 'failed', reason, message },
  });
  expectBetween(integration.suspension.nextProbeAt, startedAt + 5 * MINUTE, Date.now() + 5 * MINUTE);
  expect(group).toMatchObject({
    state: call.forAccount ? 'pending' : 'retrying',
    reason,
    message: `The integration is suspended. ${message}`,
    nextAttemptAt: integration.suspension.nextProbeAt,
  });
}

async function expectConnectionFailed(
  { world, groupId, call, failing }: Attempt,
  { reason }: Expected,
): Promise<void> {
  const message = failing.classified(call.operation).explanation;
  const { integration, group } = await untilSeen(
    world,
    groupId,
    `a connection that failed for ${reason}`,
    (seen) => seen.integration.connection.message === message,
  );
  expect(integration).toMatchObject({ suspension: null, connection: { status: 'failed', reason } });
  expect(group.state).toBe('pending');
}

/** Reasons that a second look adds to an answer, or that replace it. */
const CONCLUSIONS = ['not_visible_yet', 'creation_unconfirmed'];

async function expectGroupWaits(
  { world, groupId, call, failing, isFirst, startedAt }: Attempt,
  { outcome, reason, hintMs }: Expected,
): Promise<void> {
  const mayCreate = call.operation === 'create_team' ? ['creation_unconfirmed'] : [];
  const states = outcome === 'retried' ? ['retrying', 'partial'] : ['blocked', 'partial'];
  const { explanation } = failing.classified(call.operation);
  const earliest = startedAt + (outcome === 'refused' ? HOUR : (hintMs?.[0] ?? 0));
  const { integration, group } = await untilSeen(
    world,
    groupId,
    `the group to say ${reason}: ${explanation}`,
    // The message of an earlier attempt is shown until this one is recorded.
    ({ group: seen }) =>
      states.includes(seen.state) &&
      Date.parse(seen.nextAttemptAt) >= earliest &&
      [reason, ...mayCreate].includes(seen.reason) &&
      (CONCLUSIONS.includes(seen.reason) || seen.message === explanation),
  );
  expect(integration).toMatchObject({ suspension: null });
  expect(group.message).toMatch(/\. [A-Z].*\.$/);
  if (outcome === 'refused') {
    // The engine retries a creation at once when its members arrive in the meantime.
    const isSecond = !isFirst || call.operation === 'create_team';
    expectBetween(group.nextAttemptAt, earliest, Date.now() + (isSecond ? 6 : 1) * HOUR);
  } else {
    // After a while the engine treats a name that does not become free as refused.
    const longest = hintMs?.[1] ?? (isFirst ? 15 * MINUTE : 6 * HOUR);
    expectBetween(group.nextAttemptAt, earliest, Date.now() + longest);
  }
  await expectMemberWaits(world, groupId, call, group);
}

async function expectMemberWaits(world: World, groupId: string, call: Call, group: any): Promise<void> {
  if (!MEMBER_OPERATIONS.has(call.operation)) return;
  // While the engine retries it, it has no reason for a moment.
  const members = await waitFor(
    'the member to say so too',
    () => scimify.members(world.integration, groupId),
    (all) => all.some(({ state, message }) => state !== 'applied' && message === group.message),
    MINUTE,
  );
  const [waiting, ...others] = members.filter(({ state }) => state !== 'applied');
  expect(others).toEqual([]);
  expect(waiting).toMatchObject({
    userId: call.operation === 'add_member' ? world.users.cy : world.users.bo,
    reason: group.reason,
    message: group.message,
    nextAttemptAt: expect.any(String),
  });
}

const MEMBER_OPERATIONS: ReadonlySet<Operation> = new Set(['add_member', 'remove_member']);

/** Even with open work, no member has left a team, and there is no extra team or member. */
function expectNoHarm({ account, email }: World, call: Call): void {
  if (call.forAccount) {
    expect(account.teams()).toEqual([]);
    return;
  }
  const byHand = call.operation === 'list_members' ? { [SECOND_TEAM]: [email('bo')] } : {};
  expect(teamsOf(account)).toEqual({ [TEAM]: [email('ada'), email('bo')], ...byHand });
}

const teamsOf = (account: SimAccount): Record<string, string[]> =>
  Object.fromEntries(account.teams().map(({ name, members }) => [name, members.map((m) => m.email).sort()]));

/** After a refused token, the engine requests no other token for one second. */
const TOKEN_COOL_DOWN_MS = 1_100;

async function retry({ integration }: World, { operation }: Call): Promise<void> {
  if (operation === 'get_token') await pause(TOKEN_COOL_DOWN_MS);
  await scimify.admin.post(`/integrations/${integration.id}/sync`);
}

async function expectConverged(world: World, call: Call): Promise<void> {
  const names = call.teams(world);
  const teams = Object.fromEntries(
    Object.entries(names).map(([name, people]) => [name, people.map(world.email)]),
  );
  await waitFor(
    `the teams ${JSON.stringify(teams)}`,
    () => teamsOf(world.account),
    (seen) => isDeepStrictEqual(seen, teams),
    MINUTE,
  );
  await scimify.settled(world.integration, ['synced'], MINUTE);
  await waitFor(
    'the connection to be well again',
    async () => (await scimify.admin.get(`/integrations/${world.integration.id}`)).body,
    ({ suspension, connection }) =>
      suspension === null && connection.status === 'ok' && connection.reason === null,
    MINUTE,
  );
}

/**
 * One after the other in one integration, as an admin who requests retries sees them. Then all calls succeed
 * again.
 */
async function tryFailures(call: Call, failings: readonly Failing[], subdomain: string): Promise<void> {
  const world = await worldFor(call, subdomain);
  let groupId = '';
  let last: Fault | null = null;
  for (const failing of failings) {
    const isFirst = last === null;
    const startedAt = Date.now();
    const fault = scimify.pagerDuty.inject({ ...call.fault, ...failing.fault, account: `us.${subdomain}` });
    last?.remove();
    last = fault;
    if (isFirst) groupId = await call.cause(world);
    else await retry(world, call);
    await waitFor(
      'the call',
      () => fault.hits(),
      (hits) => hits > 0,
      MINUTE,
    );
    if (expectedOf(call, failing).outcome === 'done') {
      await scimify.settled(world.integration, ['synced'], MINUTE);
      return;
    }
    await expectShown({ world, groupId, call, failing, isFirst, startedAt });
    expectNoHarm(world, call);
  }
  last?.remove();
  await retry(world, call);
  await expectConverged(world, call);
}

const MOST_SHARED = 3;

/**
 * Failures that the engine treats the same share an integration, which makes the test much faster. Exceptions are failures
 * after which it does not repeat a call at once: a creation that may have taken effect, silence, and what counts as done.
 */
function shared(call: Call): Failing[][] {
  const groups = new Map<string, Failing[]>();
  for (const failing of FAILURES) {
    const { kind, reason, outcome } = failing.classified(call.operation);
    const alone =
      (call.operation === 'create_team' && (outcome === 'unknown' || kind === 'conflict')) ||
      expectedOf(call, failing).outcome === 'done';
    const key = alone ? failing.shown : `${kind} ${reason}`;
    groups.set(key, [...(groups.get(key) ?? []), failing]);
  }
  // The next call covers the other failures of a class: the engine only sees the class of an answer.
  const turn = Object.values(CALLS).indexOf(call);
  return [...groups.values()].map((failings) =>
    failings
      .slice(0, MOST_SHARED)
      .map((_, index) => failings[(turn * MOST_SHARED + index) % failings.length]!),
  );
}

/** The engine works on this many integrations at once. */
const WIDTH = 16;

describe('what PagerDuty may answer', () => {
  const cells = Object.entries(CALLS).flatMap(([name, call]) =>
    shared(call).map((failings) => ({ name, call, failings })),
  );
  const outcomes = new Map<object, Promise<void>>();

  beforeAll(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
    scimify.app.get(HttpService, { strict: false }).axiosRef.defaults.timeout = CALL_TIMEOUT_MS;
    const queue = [...cells.entries()];
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, cell] = next;
        const outcome = tryFailures(cell.call, cell.failings, `cell-${index}`);
        outcomes.set(cell, outcome);
        await outcome.catch(() => undefined);
      }
    };
    for (let worker = 0; worker < WIDTH; worker++) void work();
  });

  afterAll(() => scimify.stop());

  describe.each(Object.keys(CALLS))('to %s', (name) => {
    const ofCall = cells
      .filter((cell) => cell.name === name)
      .map((cell) => {
        const [first] = cell.failings;
        const { outcome, reason } = expectedOf(cell.call, first!);
        return { outcome, reason, shown: cell.failings.map(({ shown }) => shown).join(' or '), cell };
      });
    it.each(ofCall)(
      'is $outcome as $reason: $shown',
      async ({ cell }) => {
        await waitFor('its turn', () => outcomes.has(cell), Boolean, 5 * MINUTE);
        await outcomes.get(cell);
      },
      5 * MINUTE,
    );
  });
});
