import fc from '../support/properties';
import type { SimTeam } from '../../simulator/simulator';
import { waitFor } from '../support/wait';
import { type Act, Command, TEAM_NAMES, accepted, anyIndex, idpCommands, nth } from './support/idp-commands';
import { type ModelGroup, ModelIdp } from './support/model-idp';
import { StateMachineInvariants } from './support/state-machine-invariants';
import { ADDRESSES, FAULTS, OF_THE_IDP, StateMachineWorld } from './support/state-machine-world';

/** Other seeds find other problems, and more runs find more. */
const SEED = Number(process.env.STATE_MACHINE_SEED ?? 7);
const RUNS = Number(process.env.STATE_MACHINE_RUNS ?? 32);
const COMMANDS = 30;
const SECONDS_PER_RUN = 60;

// They come to rest once or twice. Each time may take half a minute.
jest.setTimeout(90_000);

interface World {
  world: StateMachineWorld;
  invariants: StateMachineInvariants;
}

const command = (description: string, act: Act<World>) => new Command(description, act);

const joinByHand = fc.tuple(anyIndex, fc.constantFrom(...ADDRESSES)).map(([index, address]) =>
  command(`put ${address} into team #${index} by hand`, async (_, { world }) => {
    const team = nth(world.teamsToEdit(), index);
    if (team) world.addByHand(team, address);
  }),
);

const leaveByHand = fc.tuple(anyIndex, anyIndex).map(([index, member]) =>
  command(`take member #${member} out of team #${index} by hand`, async (_, { world }) => {
    const team = nth(world.teamsToEdit(), index);
    const person = team && nth(team.members, member);
    if (person) world.removeByHand(team, person.email);
  }),
);

const renameByHand = fc.tuple(anyIndex, fc.constantFrom(...TEAM_NAMES, 'By hand')).map(([index, name]) =>
  command(`rename team #${index} to ${name} by hand`, async (_, { world }) => {
    const team = nth(world.teamsToEdit(), index);
    if (team && world.isKnown(team) && !world.pagerDuty.team(name)) world.renameByHand(team, name);
  }),
);

const deleteByHand = anyIndex.map((index) =>
  command(`delete team #${index} of those that were there before by hand`, async (_, { world }) => {
    // A team that Scimify made a moment ago may just not be visible yet, so Scimify does not believe that it is
    // gone.
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
  .map(([fault, method, times]) =>
    command(`${fault} for the next ${times} ${method ?? 'of all'} calls`, async (_, { world }) => {
      world.failNext(fault, method, times);
    }),
  );

const restart = fc.constant(command('restart', async (_, { world }) => world.restart()));
const sync = fc.constant(command('sync', async (_, { world }) => world.admin('sync')));
const reconcile = fc.constant(
  command('reconcile', async (_, { world }) => {
    await world.longAfterwards();
    await world.admin('reconcile', {});
  }),
);
const settle = fc.constant(
  command('settle', async (_, { world, invariants }) => world.settle(() => invariants.problems())),
);

const idpDoes = idpCommands<World>(OF_THE_IDP);
const byTheIdp = [
  ...[idpDoes.createUser, idpDoes.createUser, idpDoes.deleteUser, idpDoes.setActive, idpDoes.setActive],
  ...[idpDoes.changeAddress, idpDoes.swapAddresses],
  ...[idpDoes.createGroup, idpDoes.createGroup, idpDoes.createGroup],
  ...[idpDoes.renameGroup, idpDoes.swapNames, idpDoes.deleteGroup],
  ...[idpDoes.changeMembers, idpDoes.changeMembers, idpDoes.changeMembers, idpDoes.changeMembers],
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
      await world.reset();
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
          await world.reset();
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
