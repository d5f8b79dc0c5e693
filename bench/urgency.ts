import type { Fault } from '../simulator/faults';
import { letTimePass } from '../test/provisioning/support/passing-time';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../test/support/scimify';
import { waitFor } from '../test/support/wait';

/**
 * Measures how long a small change waits while a large change is in progress, and prints a Markdown table: from the
 * request of the IdP to the response of PagerDuty, which takes 150 ms per call. It asserts nothing.
 *
 * `npm run bench:urgency` runs all cases, `npm run bench:urgency -- retries` those with this word in their names.
 */
const LARGE = 300;
const LATENCY_MS = 150;
const RECHECK_AFTER_MS = 6 * 60_000;
const email = (name: string) => `${name}@example.com`;
const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => email(`${name}.${index}`));

interface World {
  scimify: Scimify;
  integration: TestIntegration;
  /** Another integration of the same tenant with the same PagerDuty key. */
  beside: TestIntegration;
  onCall: string;
  everyone: string;
  /** Ada, bo, cy and dee. The first two are in both groups. All four are linked to remote users. */
  people: string[];
  /** Have a PagerDuty account, but no look-up has happened yet. */
  crowd: string[];
}

/** A small change, and how to see that it is done. Each works once per world, in this order. */
interface Change {
  act: (world: World) => Promise<unknown>;
  isDone: (world: World) => boolean;
}

const onCall = ({ scimify }: World) => scimify.teams()['On-call']!;
const everyone = ({ scimify }: World) => scimify.teams().Everyone!;

const ADDED: Change = {
  act: (world) => world.integration.scim.addMembers(world.onCall, world.people[2]!),
  isDone: (world) => onCall(world).includes(email('cy')),
};
const STRANGER_ADDED: Change = {
  act: async ({ scimify, integration, onCall: group }) => {
    scimify.pagerDuty.addUser({ email: email('eve') });
    return integration.scim.addMembers(group, await integration.scim.createUser(email('eve')));
  },
  isDone: (world) => onCall(world).includes(email('eve')),
};
const ADDED_THERE: Change = {
  act: (world) => world.integration.scim.addMembers(world.everyone, world.people[3]!),
  isDone: (world) => everyone(world).includes(email('dee')),
};
const NEW_GROUP: Change = {
  act: ({ integration, people }) => integration.scim.createGroup('New on-call', people.slice(2)),
  isDone: ({ scimify }) => scimify.teams()['New on-call']?.length === 2,
};
const LEAVER: Change = {
  act: ({ integration, people }) => integration.scim.setActive(people[0]!, false),
  isDone: (world) => !onCall(world).includes(email('ada')),
};
const LEAVER_THERE: Change = {
  act: ({ integration, people }) => integration.scim.setActive(people[1]!, false),
  isDone: (world) => !everyone(world).includes(email('bo')),
};

const CHANGES = {
  'removal of a leaver, another team': LEAVER,
  'removal of a leaver, same team': LEAVER_THERE,
  'addition, another team': ADDED,
  'addition with look-up, another team': STRANGER_ADDED,
  'addition, same team': ADDED_THERE,
  'new group of two': NEW_GROUP,
};

interface Case {
  /** How many IdP users have no PagerDuty account. */
  strangers?: number;
  /** Runs before PagerDuty becomes slow. */
  prepare?: (world: World, strangers: string[]) => Promise<unknown>;
  begin: (world: World, strangers: string[]) => Promise<unknown>;
  /** After this many calls, the large change is in progress. */
  underWay?: number;
  rateLimit?: number;
}

const searchOneByOne = ({ scimify }: World) =>
  scimify.pagerDuty.inject({
    path: /^\/users\?.*total=true/,
    status: 200,
    body: { users: [], limit: 100, offset: 0, more: true, total: 20_000 },
  });
const pendingIn = (groups: { members: { pending: number } }[]) =>
  groups.reduce((sum, { members }) => sum + members.pending, 0);
const parked = async ({ scimify, integration }: World, count: number) => {
  await waitFor(
    'all to wait',
    () => scimify.groups(integration),
    (groups) => pendingIn(groups as { members: { pending: number } }[]) === count,
    120_000,
  );
  await scimify.settled(integration, ['synced', 'partial']);
};
const notFoundInOneTeam = async (world: World, strangers: string[]) => {
  searchOneByOne(world);
  await world.integration.scim.addMembers(world.everyone, ...strangers);
  await parked(world, strangers.length);
};
const inGroupsOf = (size: number, ids: readonly string[]) =>
  Array.from({ length: Math.ceil(ids.length / size) }, (_, index) =>
    ids.slice(index * size, (index + 1) * size),
  );

/** Forty other integrations with the same key push a hundred users each. */
const pushBeside = async (
  { scimify, integration: { tenantId } }: World,
  push: (integration: TestIntegration, ids: string[], index: number) => Promise<unknown>,
) => {
  for (let index = 0; index < 40; index++) {
    const other = await scimify.createIntegration({
      tenantId,
      authMethod: 'api_key',
      secret: sharedKey(scimify),
      policies: WITHOUT_GUARD,
    });
    await push(other, await other.scim.createUsers(numbered('user', 100)), index);
  }
};

const CASES: Record<string, Case> = {
  '300 users are added to a team': {
    begin: ({ integration, everyone: group, crowd }) => integration.scim.addMembers(group, ...crowd),
  },
  'a new group of 300': {
    begin: ({ integration, crowd }) => integration.scim.createGroup('All of them', crowd),
  },
  'a new group of 300, each with its own look-up': {
    prepare: async (world) => searchOneByOne(world),
    begin: ({ integration, crowd }) => integration.scim.createGroup('All of them', crowd),
  },
  '300 users are added to a team, and an admin retries it': {
    begin: async ({ scimify, integration, everyone: group, crowd }) => {
      await integration.scim.addMembers(group, ...crowd);
      await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    },
  },
  '1,500 unknown users of a team are looked up again': {
    strangers: 1_500,
    prepare: notFoundInOneTeam,
    begin: ({ scimify }) => letTimePass(scimify, RECHECK_AFTER_MS),
  },
  '1,500 unknown users of 75 teams are looked up again': {
    strangers: 1_500,
    prepare: async (world, strangers) => {
      searchOneByOne(world);
      await Promise.all([
        ...inGroupsOf(20, strangers.slice(20)).map((members, index) =>
          world.integration.scim.createGroup(`Team ${index}`, members),
        ),
        world.integration.scim.addMembers(world.everyone, ...strangers.slice(0, 20)),
      ]);
      await parked(world, 1_500);
    },
    begin: ({ scimify }) => letTimePass(scimify, RECHECK_AFTER_MS),
  },
  'an admin starts a sync with 1,500 unknown users': {
    strangers: 1_500,
    prepare: notFoundInOneTeam,
    begin: ({ scimify, integration }) => scimify.admin.post(`/integrations/${integration.id}/sync`),
  },
  '3,000 unknown users are added to a team, each with its own look-up': {
    strangers: 3_000,
    prepare: async (world) => searchOneByOne(world),
    begin: (world, strangers) => world.integration.scim.addMembers(world.everyone, ...strangers),
  },
  '150 new groups of 20 unknown users, each with its own look-up': {
    strangers: 3_000,
    prepare: async (world) => searchOneByOne(world),
    begin: ({ integration }, strangers) =>
      Promise.all(
        inGroupsOf(20, strangers).map((members, index) =>
          integration.scim.createGroup(`Team ${index}`, members),
        ),
      ),
  },
  '120 teams are reconciled, in an account of 9,000 users': {
    prepare: async ({ scimify, integration, people }) => {
      scimify.pagerDuty.addUsers(numbered('other', 9_000).map((address) => ({ email: address })));
      const names = Array.from({ length: 120 }, (_, index) => `Team ${index}`);
      await Promise.all(names.map((name) => integration.scim.createGroup(name, people.slice(2))));
      await scimify.settled(integration, ['synced'], 60_000);
    },
    begin: ({ scimify, integration }) => scimify.admin.post(`/integrations/${integration.id}/reconcile`),
  },
  '300 users are added to a team, and the process restarts': {
    begin: async (world) => {
      await world.integration.scim.addMembers(world.everyone, ...world.crowd);
      await waitFor(
        'some of them to be in',
        () => everyone(world),
        ({ length }) => length > 10,
        30_000,
      );
      await world.scimify.restart();
      world.integration.scim = world.scimify.scimWith(world.integration.id, world.integration.scimKey);
    },
    underWay: 2,
  },
  'an integration with the same key is deleted and releases a team of 300': {
    prepare: async ({ scimify, beside }) => {
      await beside.scim.createGroup('Theirs', await beside.scim.createUsers(numbered('user', LARGE)));
      await scimify.settled(beside, ['synced'], 60_000);
    },
    begin: ({ scimify, beside }) => scimify.admin.delete(`/integrations/${beside.id}?teams=release`),
  },
  '40 integrations with the same key create a group of 100 each': {
    begin: (world) => pushBeside(world, ({ scim }, ids, index) => scim.createGroup(`Large ${index}`, ids)),
  },
  '40 integrations with the same key create 10 groups of 10 each': {
    begin: (world) =>
      pushBeside(world, ({ scim }, ids, index) =>
        Promise.all(inGroupsOf(10, ids).map((some, at) => scim.createGroup(`Small ${index} ${at}`, some))),
      ),
  },
  '300 users are added to a team, with 240 calls per minute': {
    rateLimit: 240,
    begin: ({ integration, everyone: group, crowd }) => integration.scim.addMembers(group, ...crowd),
    underWay: 150,
  },
};

const keys = new WeakMap<Scimify, string>();
const sharedKey = (scimify: Scimify): string => {
  const key = keys.get(scimify) ?? scimify.pagerDuty.addApiKey();
  keys.set(scimify, key);
  return key;
};

async function bench(words: readonly string[]): Promise<void> {
  const columns = ['while', ...Object.keys(CHANGES)];
  print(row(columns));
  print(row(columns.map(() => '---')));
  for (const [name, one] of Object.entries(CASES)) {
    if (words.length === 0 || words.some((word) => name.includes(word))) await measure(name, one);
  }
}

async function measure(name: string, { strangers = 0, prepare, begin, underWay = 10, rateLimit }: Case) {
  const world = await worldOf(rateLimit);
  const { scimify } = world;
  const unknown = await world.integration.scim.createUsers(numbered('stranger', strangers));
  await prepare?.(world, unknown);
  const sent = () => scimify.pagerDuty.calls().length;
  const latency: Fault = scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
  const before = sent();
  await begin(world, unknown);
  await waitFor('it to be under way', sent, (count) => count > before + underWay, 90_000);
  const waited: string[] = [];
  for (const [change, { act, isDone }] of Object.entries(CHANGES)) {
    const begun = performance.now();
    await act(world);
    await waitFor(change, () => isDone(world), Boolean, 240_000);
    waited.push(String(Math.round(performance.now() - begun)));
  }
  print(row([name, ...waited]));
  latency.remove();
  await scimify.stop();
}

async function worldOf(rateLimit?: number): Promise<World> {
  const scimify = await Scimify.start({}, rateLimit === undefined ? {} : { rateLimit });
  const secret = sharedKey(scimify);
  const options = { authMethod: 'api_key' as const, secret, policies: WITHOUT_GUARD };
  const integration = await scimify.createIntegration(options);
  const beside = await scimify.createIntegration({ ...options, tenantId: integration.tenantId });
  const names = ['ada', 'bo', 'cy', 'dee'].map(email);
  const many = numbered('user', LARGE);
  scimify.pagerDuty.addUsers([...names, ...many].map((address) => ({ email: address })));
  const people = await integration.scim.createUsers(names);
  // This links all four to remote users.
  await integration.scim.createGroup('All four', people);
  const [onCallId, everyoneId] = await Promise.all(
    ['On-call', 'Everyone'].map((group) => integration.scim.createGroup(group, people.slice(0, 2))),
  );
  await scimify.settled(integration);
  const crowd = await integration.scim.createUsers(many);
  return { scimify, integration, beside, onCall: onCallId!, everyone: everyoneId!, people, crowd };
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

void bench(process.argv.slice(2));
