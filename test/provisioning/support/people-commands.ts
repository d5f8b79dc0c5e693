import type { SimTeam } from '../../../simulator/simulator';
import fc from '../../support/properties';
import { type Act, Command, accepted, anyIndex, idpCommands, nth } from './idp-commands';
import type { ModelIdp, ModelUser } from './model-idp';
import type { PeopleInvariants } from './people-invariants';
import { HOUR, type MemberMethod, MINUTE, PEOPLE, type PeopleWorld, REFUSALS } from './people-world';

export interface People {
  world: PeopleWorld;
  invariants: PeopleInvariants;
}

const command = (description: string, act: Act<People>) => new Command(description, act);

const anyKeys = fc.subarray([...PEOPLE.keys()], { minLength: 1 });
const anyAddress = fc.constantFrom(...PEOPLE);

const idpDoes = idpCommands<People>(PEOPLE);

/** Creates a group with several members: otherwise most later commands find no member. */
const createFullGroup = fc.tuple(fc.constantFrom('Ops', 'Dev', 'Web'), anyKeys).map(([name, keys]) =>
  command(`have group ${name} with ${keys.join()}`, async (idp, { world }) => {
    if (idp.groups.some((group) => group.name === name)) return;
    for (const key of keys) {
      if (idp.users.get(key)?.active) continue;
      const address = idp.users.get(key)?.address ?? PEOPLE[key]!;
      const id = await world.createUser(key, address);
      idp.leaveAll(key);
      idp.users.set(key, { key, id, active: true, address, addresses: new Set() });
    }
    const id = await world.scim.createGroup(
      name,
      keys.map((key) => idp.users.get(key)!.id),
    );
    idp.groups.push({ id, name, members: new Set(keys) });
  }),
);

const takeOutAndPutBack = fc
  .tuple(anyIndex, anyIndex, fc.integer({ min: 1, max: 4 }))
  .map(([index, person, times]) =>
    command(
      `take person #${person} out of group #${index} and put them back, ${times} times`,
      async (idp, { world, invariants }) => {
        const group = nth(idp.groups, index);
        const key = group && nth([...group.members], person);
        if (!group || key === undefined) return;
        const { id } = idp.users.get(key)!;
        for (let time = 0; time < times; time++) {
          await world.scim.removeMembers(group.id, id);
          group.members.delete(key);
          invariants.remember();
          await world.rest();
          await world.scim.addMembers(group.id, id);
          group.members.add(key);
          invariants.remember();
          await world.rest();
        }
      },
    ),
  );

/** Removes nearly all members: more than the guard allows. */
const emptyGroup = fc.tuple(anyIndex, fc.nat({ max: 2 })).map(([index, left]) =>
  command(`leave ${left} people in group #${index}`, async (idp, { world }) => {
    const group = nth(idp.groups, index);
    if (!group) return;
    const leaving = [...group.members].slice(left);
    if (leaving.length === 0) return;
    await accepted(world.scim.removeMembers(group.id, ...leaving.map((key) => idp.users.get(key)!.id)));
    for (const key of leaving) group.members.delete(key);
  }),
);

/** More than the guard allows. */
const deleteTwoGroups = anyIndex.map((index) =>
  command(`delete groups #${index} and #${index + 1}`, async (idp, { world, invariants }) => {
    for (const group of [nth(idp.groups, index), nth(idp.groups, index + 1)]) {
      if (!group || !idp.groups.includes(group)) continue;
      await accepted(world.scim.delete(`/Groups/${group.id}`));
      idp.deleteGroup(group);
      invariants.remember();
    }
  }),
);

/** A person leaves the company, but PagerDuty, the guard or an admin keeps this person in a managed team. */
const giveUpWhoIsKept = fc.tuple(anyIndex, fc.boolean()).map(([index, isDeleted]) =>
  command(
    `${isDeleted ? 'delete' : 'deactivate'} the user #${index} who is kept in a team`,
    async (idp, { world, invariants }) => {
      const kept = [...idp.users.values()].filter(
        (user) => user.active && isKept(idp, world, invariants, user),
      );
      const user = nth(kept, index);
      if (!user) return;
      if (isDeleted) {
        await accepted(world.scim.delete(`/Users/${user.id}`));
        idp.deleteUser(user);
      } else {
        await accepted(world.scim.setActive(user.id, false));
        user.active = false;
      }
    },
  ),
);

function isKept(idp: ModelIdp, world: PeopleWorld, { truth }: PeopleInvariants, user: ModelUser): boolean {
  const accounts = truth.accountsOf(user);
  return world.teamsToEdit().some(({ id, members }) => {
    const holders = world.holders.get(id) ?? new Set();
    const isWanted = idp.groups.some((group) => holders.has(group.id) && idp.wantedIn(group).includes(user));
    return holders.size > 0 && !isWanted && members.some((member) => accounts.has(member.id));
  });
}

// In PagerDuty

const giveToNewAccount = anyAddress.map((address) =>
  command(`give ${address} to a new account`, (_, { world }) =>
    Promise.resolve(world.giveToNewAccount(address)),
  ),
);
const takeAddress = anyAddress.map((address) =>
  command(`free the address ${address}`, (_, { world }) => Promise.resolve(world.takeAddress(address))),
);
const exchangeAddresses = fc
  .tuple(anyAddress, anyAddress)
  .map(([one, other]) =>
    command(`exchange ${one} and ${other} in PagerDuty`, (_, { world }) =>
      Promise.resolve(world.exchangeAddresses(one, other)),
    ),
  );
const changeCase = anyAddress.map((address) =>
  command(`write ${address} in another case`, (_, { world }) => Promise.resolve(world.changeCase(address))),
);

const isClaimed = (idp: ModelIdp, world: PeopleWorld, team: SimTeam) =>
  idp.groups.some(({ id }) => world.holders.get(team.id)?.has(id));

const joinByHand = fc.tuple(anyIndex, anyAddress).map(([index, address]) =>
  command(`put ${address} into team #${index} by hand`, (idp, { world }) => {
    const team = nth(world.teamsToEdit(), index);
    const account = world.accountOf(address);
    if (team && account !== undefined) world.join(team, account, isClaimed(idp, world, team));
    return Promise.resolve();
  }),
);

const leaveByHand = fc.tuple(anyIndex, anyIndex).map(([index, member]) =>
  command(`take member #${member} out of team #${index} by hand`, (idp, { world, invariants }) => {
    const team = nth(world.teamsToEdit(), index);
    const person = team && nth(team.members, member);
    if (!person) return Promise.resolve();
    const isWanted = wantedAccounts(idp, world, invariants, team).includes(person.id);
    world.leave(team, person.id, isWanted);
    return Promise.resolve();
  }),
);

/** Removes a person that was in the team before its adoption and that the IdP wants in it too. */
const leaveWhereTheyWereBefore = anyIndex.map((index) =>
  command(
    `take person #${index} of those who were there before out of their team by hand`,
    (idp, { world, invariants }) => {
      const there = world
        .teamsMadeByHand()
        .flatMap((team) =>
          wantedAccounts(idp, world, invariants, team).flatMap((account) =>
            world.wereThereBefore(team.id).has(account) && team.members.some(({ id }) => id === account)
              ? [{ team, account }]
              : [],
          ),
        );
      const one = nth(there, index);
      if (one) world.leave(one.team, one.account, true);
      return Promise.resolve();
    },
  ),
);

function wantedAccounts(
  idp: ModelIdp,
  world: PeopleWorld,
  { truth }: PeopleInvariants,
  team: SimTeam,
): string[] {
  const holders = world.holders.get(team.id) ?? new Set();
  return idp.groups.flatMap((group) =>
    holders.has(group.id) ? idp.wantedIn(group).flatMap((user) => [...truth.accountsOf(user)]) : [],
  );
}

const METHODS: MemberMethod[][] = [['PUT'], ['DELETE'], ['PUT', 'DELETE']];

const refuse = fc
  .tuple(anyKeys, fc.option(anyIndex), fc.constantFrom(...METHODS), fc.constantFrom(...REFUSALS))
  .map(([keys, index, methods, status]) =>
    command(
      `refuse ${methods.join(' and ')} for ${keys.join()} with ${status} in ${index === null ? 'every team' : `team #${index}`}`,
      (_, { world }) => {
        const accounts = keys.flatMap((key) => world.accountOf(PEOPLE[key]!) ?? []);
        const team = index === null ? null : nth(world.teamsToEdit(), index)!.id;
        // A 404 for a removal means that the person is not a member, so no caller could see the difference.
        world.refuse(accounts, team, status === 404 ? ['PUT'] : methods, status);
        return Promise.resolve();
      },
    ),
  );
const refuseTeam = fc
  .tuple(anyIndex, fc.constantFrom(...REFUSALS, 404))
  .map(([index, status]) =>
    command(`refuse to rename or delete team #${index} with ${status}`, (_, { world }) =>
      Promise.resolve(world.refuseTeam(nth(world.teamsToEdit(), index)!.id, status)),
    ),
  );
const refuseNobody = fc.constant(
  command('stop all refusals', (_, { world }) => Promise.resolve(world.refuseNobody())),
);

const useTeam = fc.tuple(anyIndex, fc.array(anyIndex, { maxLength: 2 })).map(([index, members]) =>
  command(`a policy uses team #${index}, with its members ${members.join()}`, (_, { world }) => {
    const team = nth(world.teamsToEdit(), index)!;
    const userIds = members.flatMap((member) => nth(team.members, member)?.id ?? []);
    world.pagerDuty.associate(team.id, 'Escalation Policies', { userIds });
    return Promise.resolve();
  }),
);
const useNoTeam = fc.constant(
  command('no policy uses any team', (_, { world }) => {
    for (const { id } of world.teamsToEdit()) world.pagerDuty.dissociate(id, 'Escalation Policies');
    return Promise.resolve();
  }),
);

const limitTeams = fc
  .constantFrom(2, 3, 500)
  .map((members) =>
    command(`teams have at most ${members} members`, (_, { world }) =>
      Promise.resolve(world.limitTeamsTo(members)),
    ),
  );

// By an admin, and by time

const decide = fc.tuple(anyIndex, fc.constantFrom('approve', 'reject', 'reject')).map(([index, decision]) =>
  command(`${decision} held change #${index}`, async (_, { world }) => {
    const open = (await world.heldChanges()).filter((change) => change.decision === null);
    const change = nth(open, index);
    if (change) await world.decide(change.id, decision);
  }),
);

const pause = fc
  .boolean()
  .map((isPaused) => command(isPaused ? 'pause' : 'enable', (_, { world }) => world.setPaused(isPaused)));

const pass = fc
  .constantFrom(MINUTE, 10 * MINUTE, HOUR + MINUTE, 7 * HOUR)
  .map((ms) => command(`${ms / MINUTE} minutes pass`, (_, { world }) => world.pass(ms)));

const comeToRest = fc.constant(command('a day passes', (_, { invariants }) => invariants.comeToRest()));

const byTheIdp = [
  ...[createFullGroup, createFullGroup, createFullGroup],
  ...[idpDoes.createUser, idpDoes.createUser, idpDoes.deleteUser, idpDoes.setActive, idpDoes.setActive],
  ...[idpDoes.renameGroup, idpDoes.deleteGroup, deleteTwoGroups, emptyGroup, emptyGroup, takeOutAndPutBack],
  ...[idpDoes.changeMembers, idpDoes.changeMembers, idpDoes.changeMembers],
  ...[giveUpWhoIsKept, giveUpWhoIsKept],
];
/** Several commands at once, before the first has an effect. */
const atOnce = fc.array(fc.oneof(...byTheIdp), { minLength: 2, maxLength: 4 }).map((several) =>
  command(`at once: ${several.join(', ')}`, async (idp, real) => {
    for (const one of several) await one.begin(idp, real);
  }),
);
const inPagerDuty = [
  ...[giveToNewAccount, giveToNewAccount, exchangeAddresses, exchangeAddresses, takeAddress, changeCase],
  ...[joinByHand, leaveByHand, leaveWhereTheyWereBefore, refuse, refuse, refuse],
  ...[refuseTeam, refuseNobody],
  ...[useTeam, useTeam, useNoTeam, limitTeams],
];
const byOthers = [decide, decide, decide, pause, pass, pass, comeToRest];

/** Starts with all people in teams, one of them adopted: otherwise many later commands find no member. */
export async function beginWithTeams(idp: ModelIdp, { world, invariants }: People): Promise<void> {
  for (const [key, address] of PEOPLE.entries()) {
    const id = await world.createUser(key, address);
    idp.users.set(key, { key, id, active: true, address, addresses: new Set() });
  }
  for (const [name, keys] of [
    ['Ops', [0, 1, 2, 3]],
    ['Dev', [2, 3, 4, 5, 6]],
  ] as const) {
    const id = await world.scim.createGroup(
      name,
      keys.map((key) => idp.users.get(key)!.id),
    );
    idp.groups.push({ id, name, members: new Set(keys) });
  }
  invariants.remember();
  await invariants.hold();
}

/** All commands: by the IdP, in PagerDuty, by an admin and by time. */
export const ANYTHING = [...byTheIdp, atOnce, ...inPagerDuty, ...byOthers];
