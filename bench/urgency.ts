import type { Fault } from '../simulator/faults';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../test/support/scimify';
import { waitFor } from '../test/support/wait';

/**
 * How long a person waits in PagerDuty while a group of 300 is pushed, as a table in Markdown: from the request of the
 * identity provider to the answer of PagerDuty. Nothing is asserted.
 *
 * `npm run bench:urgency`
 */
const LARGE = 300;
const LATENCY_MS = 150;
const email = (name: string) => `${name}@example.com`;

interface World {
  scimify: Scimify;
  integration: TestIntegration;
  onCall: string;
  everyone: string;
  people: string[];
  crowd: string[];
}

/** What is done beside the push, and when it is done. */
const CHANGES: Record<
  string,
  { act: (world: World) => Promise<unknown>; isDone: (world: World) => boolean }
> = {
  'leaver of another team': {
    act: ({ integration, people }) => integration.scim.setActive(people[0]!, false),
    isDone: ({ scimify }) => !scimify.teams()['On-call']!.includes(email('ada')),
  },
  'leaver of that very team': {
    act: ({ integration, people }) => integration.scim.setActive(people[0]!, false),
    isDone: ({ scimify }) => !scimify.teams().Everyone!.includes(email('ada')),
  },
  'one added to another team': {
    act: ({ integration, onCall, people }) => integration.scim.addMembers(onCall, people[2]!),
    isDone: ({ scimify }) => scimify.teams()['On-call']!.length === 3,
  },
  'new group of two': {
    act: ({ integration, people }) => integration.scim.createGroup('New on-call', people.slice(2)),
    isDone: ({ scimify }) => scimify.teams()['New on-call']?.length === 2,
  },
};

const PUSHES: Record<string, (world: World) => Promise<unknown>> = {
  'a PATCH of a team': ({ integration, everyone, crowd }) => integration.scim.addMembers(everyone, ...crowd),
  'a new group': ({ integration, crowd }) => integration.scim.createGroup('All of them', crowd),
  'a new group whose people are searched for one by one': ({ scimify, integration, crowd }) => {
    const body = { users: [], limit: 100, offset: 0, more: true, total: 20_000 };
    scimify.pagerDuty.inject({ path: /^\/users\?.*total=true/, status: 200, body });
    return integration.scim.createGroup('All of them', crowd);
  },
};

async function bench(): Promise<void> {
  print('| while 300 are pushed by | a change | ms |');
  print('| --- | --- | --- |');
  for (const [push, begin] of Object.entries(PUSHES)) {
    for (const [change, { act, isDone }] of Object.entries(CHANGES)) {
      const world = await worldOf();
      const sent = () => world.scimify.pagerDuty.calls().length;
      const latency: Fault = world.scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
      const before = sent();
      await begin(world);
      await waitFor('the push to be under way', sent, (count) => count > before + 10, 30_000);
      const begun = performance.now();
      await act(world);
      await waitFor(change, () => isDone(world), Boolean, 120_000);
      print(`| ${push} | ${change} | ${Math.round(performance.now() - begun)} |`);
      latency.remove();
      await world.scimify.stop();
    }
  }
}

async function worldOf(): Promise<World> {
  const scimify = await Scimify.start();
  const integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
  const names = ['ada', 'bo', 'cy', 'dee'];
  const many = Array.from({ length: LARGE }, (_, index) => `user.${index}`);
  scimify.pagerDuty.addUsers([...names, ...many].map((name) => ({ email: email(name) })));
  const people = await integration.scim.createUsers(names.map(email));
  const onCall = await integration.scim.createGroup('On-call', people.slice(0, 2));
  const everyone = await integration.scim.createGroup('Everyone', people.slice(0, 2));
  await scimify.settled(integration);
  const crowd = await integration.scim.createUsers(many.map(email));
  return { scimify, integration, onCall, everyone, people, crowd };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

void bench();
