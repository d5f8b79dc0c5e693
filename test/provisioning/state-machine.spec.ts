import fc from '../support/properties';
import type { SimTeam } from '../../simulator/simulator';
import { waitFor } from '../support/wait';
import { type ModelGroup, ModelIdp } from './support/model-idp';
import { StateMachineInvariants } from './support/state-machine-invariants';
import { ADDRESSES, FAULTS, OF_THE_IDP, StateMachineWorld } from './support/state-machine-world';

/** Another seed finds other things, and more runs find more. */
const SEED = Number(process.env.STATE_MACHINE_SEED ?? 7);
const RUNS = Number(process.env.STATE_MACHINE_RUNS ?? 32);
const COMMANDS = 30;
const SECONDS_PER_RUN = 60;

const NAMES = ['Ops', 'Night', 'Dev', 'Web'];
// They come to rest once or twice, for which they have half a minute each.
jest.setTimeout(90_000);

const USER_KEYS = [0, 1, 2, 3, 4];

interface Real {
  world: StateMachineWorld;
  invariants: StateMachineInvariants;
}

type Act = (idp: ModelIdp, real: Real) => Promise<void>;

/** One thing that somebody does. What it needs may not be there, and then nothing is done. */
class Command implements fc.AsyncCommand<ModelIdp, Real> {
  constructor(
    private readonly description: string,
    private readonly act: Act,
  ) {}

  check(): boolean {
    return true;
  }

  async run(idp: ModelIdp, real: Real): Promise<void> {
    await this.act(idp, real);
    idp.remember();
    await real.invariants.hold();
  }

  toString(): string {
    return this.description;
  }
}

const nth = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(list.length, 1)];

async function accepted(answer: Promise<{ status: number; body: unknown }>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`The IdP was answered with ${status}: ${JSON.stringify(body)}`);
}

const anyIndex = fc.nat({ max: 11 });
const anyKey = fc.constantFrom(...USER_KEYS);
const anyName = fc.constantFrom(...NAMES);
const anyAddress = fc.constantFrom(...OF_THE_IDP, 'unknown@example.com');

const anyKeys = fc.subarray(USER_KEYS);

const usersAmong = ({ users }: ModelIdp, keys: readonly number[]) => keys.filter((key) => users.has(key));
const idsOf = ({ users }: ModelIdp, keys: readonly number[]) => keys.map((key) => users.get(key)!.id);
const isFree = ({ groups }: ModelIdp, wanted: string) => groups.every(({ name }) => name !== wanted);

const createUser = anyKey.map(
  (key) =>
    new Command(`create user ${key}`, async (idp, { world }) => {
      if (idp.users.get(key)?.active) return;
      const address = OF_THE_IDP[key]!;
      const id = await world.createUser(key, address);
      // One who was inactive comes back as somebody new: under the former id, and in no group.
      idp.leaveAll(key);
      idp.users.set(key, { key, id, active: true, address, addresses: new Set() });
    }),
);

const deleteUser = anyKey.map(
  (key) =>
    new Command(`delete user ${key}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await accepted(world.scim.delete(`/Users/${user.id}`));
      idp.deleteUser(user);
    }),
);

const setActive = fc.tuple(anyKey, fc.boolean()).map(
  ([key, active]) =>
    new Command(`${active ? 're' : 'de'}activate user ${key}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await accepted(world.scim.setActive(user.id, active));
      user.active = active;
    }),
);

const changeAddress = fc.tuple(anyKey, anyAddress).map(
  ([key, address]) =>
    new Command(`change the address of user ${key} to ${address}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await world.changeAddress(user.id, address);
      user.address = address;
    }),
);

const swapAddresses = fc.tuple(anyKey, anyKey).map(
  ([key, otherKey]) =>
    new Command(`swap the addresses of users ${key} and ${otherKey}`, async (idp, { world }) => {
      const [one, other] = [idp.users.get(key), idp.users.get(otherKey)];
      if (!one || !other) return;
      await world.changeAddress(one.id, other.address);
      await world.changeAddress(other.id, one.address);
      [one.address, other.address] = [other.address, one.address];
    }),
);

const createGroup = fc.tuple(anyName, anyKeys).map(
  ([name, keys]) =>
    new Command(`create group ${name} with ${keys.join()}`, async (idp, { world }) => {
      if (!isFree(idp, name)) return;
      const members = usersAmong(idp, keys);
      const id = await world.scim.createGroup(name, idsOf(idp, members));
      idp.groups.push({ id, name, members: new Set(members) });
    }),
);

const renameGroup = fc.tuple(anyIndex, anyName).map(
  ([index, name]) =>
    new Command(`rename group #${index} to ${name}`, async (idp, { world }) => {
      const group = nth(idp.groups, index);
      if (!group || !isFree(idp, name)) return;
      await accepted(world.scim.renameGroup(group.id, name));
      group.name = name;
    }),
);

const swapNames = fc.tuple(anyIndex, anyIndex).map(
  ([index, otherIndex]) =>
    new Command(`swap the names of groups #${index} and #${otherIndex}`, async (idp, { world }) => {
      const [one, other] = [nth(idp.groups, index), nth(idp.groups, otherIndex)];
      if (!one || !other || one === other) return;
      await accepted(world.scim.renameGroup(one.id, 'Between'));
      await accepted(world.scim.renameGroup(other.id, one.name));
      await accepted(world.scim.renameGroup(one.id, other.name));
      [one.name, other.name] = [other.name, one.name];
    }),
);

const deleteGroup = anyIndex.map(
  (index) =>
    new Command(`delete group #${index}`, async (idp, { world }) => {
      const group = nth(idp.groups, index);
      if (!group) return;
      await accepted(world.scim.delete(`/Groups/${group.id}`));
      idp.deleteGroup(group);
    }),
);

const changeMembers = fc.tuple(anyIndex, fc.constantFrom('add', 'remove', 'replace'), anyKeys).map(
  ([index, op, keys]) =>
    new Command(`${op} members ${keys.join()} of group #${index}`, async (idp, { world }) => {
      const group = nth(idp.groups, index);
      const members = usersAmong(idp, keys);
      if (!group || (op !== 'replace' && members.length === 0)) return;
      const value = idsOf(idp, members).map((id) => ({ value: id }));
      await accepted(world.scim.patchOperations(`/Groups/${group.id}`, { op, path: 'members', value }));
      if (op === 'replace') group.members.clear();
      for (const key of members) group.members[op === 'remove' ? 'delete' : 'add'](key);
    }),
);

const joinByHand = fc.tuple(anyIndex, fc.constantFrom(...ADDRESSES)).map(
  ([index, address]) =>
    new Command(`put ${address} into team #${index} by hand`, async (_, { world }) => {
      const team = nth(world.teamsToEdit(), index);
      if (team) world.addByHand(team, address);
    }),
);

const leaveByHand = fc.tuple(anyIndex, anyIndex).map(
  ([index, member]) =>
    new Command(`take member #${member} out of team #${index} by hand`, async (_, { world }) => {
      const team = nth(world.teamsToEdit(), index);
      const person = team && nth(team.members, member);
      if (person) world.removeByHand(team, person.email);
    }),
);

const renameByHand = fc.tuple(anyIndex, fc.constantFrom(...NAMES, 'By hand')).map(
  ([index, name]) =>
    new Command(`rename team #${index} to ${name} by hand`, async (_, { world }) => {
      const team = nth(world.teamsToEdit(), index);
      if (team && world.isKnown(team) && !world.pagerDuty.team(name)) world.renameByHand(team, name);
    }),
);

const deleteByHand = anyIndex.map(
  (index) =>
    new Command(`delete team #${index} of those that were there before by hand`, async (_, { world }) => {
      // One that we made a moment ago might only not be visible yet, and is not believed to be gone.
      const team = nth(world.teamsMadeByHand(), index);
      if (team) world.deleteByHand(team);
    }),
);

const fail = fc
  .tuple(
    fc.constantFrom(...(Object.keys(FAULTS) as (keyof typeof FAULTS)[])),
    fc.constantFrom(undefined, 'POST', 'PUT', 'PUT', 'DELETE'),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(
    ([fault, method, times]) =>
      new Command(`${fault} for the next ${times} ${method ?? 'of all'} calls`, async (_, { world }) => {
        world.failNext(fault, method, times);
      }),
  );

const restart = fc.constant(new Command('restart', async (_, { world }) => world.restart()));
const sync = fc.constant(new Command('sync', async (_, { world }) => world.admin('sync')));
const reconcile = fc.constant(
  new Command('reconcile', async (_, { world }) => {
    await world.longAfterwards();
    await world.admin('reconcile', {});
  }),
);
const settle = fc.constant(
  new Command('settle', async (_, { world, invariants }) => world.settle(() => invariants.problems())),
);

const byTheIdp = [
  ...[createUser, createUser, deleteUser, setActive, setActive, changeAddress, swapAddresses],
  ...[createGroup, createGroup, createGroup, renameGroup, swapNames, deleteGroup],
  ...[changeMembers, changeMembers, changeMembers, changeMembers],
];
const byHand = [joinByHand, joinByHand, leaveByHand, renameByHand, deleteByHand];
const byFate = [fail, fail, fail, fail, restart];
const byAnAdmin = [sync, sync, reconcile, settle];

describe('an IdP, people who edit teams by hand, an unreliable PagerDuty and a process that is ended on the way', () => {
  let world: StateMachineWorld;

  beforeAll(async () => {
    world = await StateMachineWorld.start();
  });

  afterAll(() => world.stop());

  describe('in what went wrong once', () => {
    let idp: ModelIdp;

    beforeEach(async () => {
      await world.beginAnew();
      idp = new ModelIdp();
    });

    const settled = async () => {
      idp.remember();
      const invariants = new StateMachineInvariants(idp, world);
      await world.settle(() => invariants.problems());
    };

    const group = async (name: string) => {
      const created: ModelGroup = { id: await world.scim.createGroup(name), name, members: new Set() };
      idp.groups.push(created);
      return created;
    };

    const rename = async (renamed: ModelGroup, name: string) => {
      await accepted(world.scim.renameGroup(renamed.id, name));
      renamed.name = name;
    };

    const whilePaused = async (change: () => Promise<void>) => {
      await world.admin('pause');
      await change();
      await world.admin('enable');
    };

    const hit = () =>
      waitFor(
        'the fault to strike',
        () => world.pagerDuty.faults(),
        ({ length }) => length === 0,
      );

    it('come to rest after a name that was refused is not wanted any more', async () => {
      const ops = await group('Ops');
      await settled();
      await rename(ops, 'Untouched');
      await waitFor(
        'the refusal',
        () => world.groups(),
        ([shown]) => shown.reason === 'name_taken',
      );
      await rename(ops, 'Ops');
      await settled();
    });

    it('give two teams their names back that were swapped by hand', async () => {
      await group('Ops');
      await group('Night');
      await settled();
      const [ops, night] = ['Ops', 'Night'].map((name) => world.pagerDuty.team(name)!) as [SimTeam, SimTeam];
      world.renameByHand(ops, 'Between');
      world.renameByHand(night, 'Ops');
      world.renameByHand(ops, 'Night');
      await settled();
      expect(world.pagerDuty.team('Ops')!.id).toBe(ops.id);
    });

    it('swap two names although the first step of it failed', async () => {
      const ops = await group('Ops');
      const night = await group('Night');
      await settled();
      await whilePaused(async () => {
        await rename(ops, 'Between');
        await rename(night, 'Ops');
        await rename(ops, 'Night');
        world.failNext('500', 'PUT', 1);
      });
      await hit();
      await settled();
    });

    it.each(['500', '500 after its effect'] as const)(
      'make both teams where the name of one, whose creation met a %s, has gone over to the other',
      async (fault) => {
        world.failNext(fault, 'POST', 1);
        const first = await group('Dev');
        await hit();
        await rename(first, 'Web');
        await group('Dev');
        await settled();
        expect((await world.groups()).map(({ remote }) => remote.ownership)).toEqual(['created', 'created']);
      },
    );
  });

  it(
    'end with every team as the IdP wants it, and at no moment has anything happened that must not',
    async () => {
      const commands = fc.commands([...byTheIdp, ...byHand, ...byFate, ...byAnAdmin], {
        maxCommands: COMMANDS,
        size: 'max',
      });
      await fc.assert(
        fc.asyncProperty(commands, async (chosen) => {
          await world.beginAnew();
          const idp = new ModelIdp();
          const invariants = new StateMachineInvariants(idp, world);
          await fc.asyncModelRun(() => ({ model: idp, real: { world, invariants } }), chosen);
          await world.settle(() => invariants.problems());
        }),
        { seed: SEED, numRuns: RUNS, endOnFailure: true },
      );
    },
    RUNS * SECONDS_PER_RUN * 1_000,
  );
});
