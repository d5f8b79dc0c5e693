import type { ScimClient } from '../../support/scim-client';
import fc from '../../support/properties';
import type { ModelIdp } from './model-idp';

export const TEAM_NAMES = ['Ops', 'Night', 'Dev', 'Web'];

/** The product as an IdP sees it. */
interface IdpSide {
  readonly scim: ScimClient;
  createUser(key: number, address: string): Promise<string>;
  changeAddress(userId: string, address: string): Promise<void>;
}

/** What commands act on, and the invariants after each command. */
export interface Real {
  world: IdpSide;
  invariants: {
    /** Records what the IdP wants now. */
    remember(): void;
    hold(): Promise<void>;
  };
}

export type Act<R extends Real> = (idp: ModelIdp, real: R) => Promise<void>;

/** One action. It does nothing if something that it needs does not exist. */
export class Command<R extends Real> {
  constructor(
    private readonly description: string,
    private readonly act: Act<R>,
  ) {}

  check(): boolean {
    return true;
  }

  async run(idp: ModelIdp, real: R): Promise<void> {
    await this.begin(idp, real);
    await real.invariants.hold();
  }

  /** Does not wait for the effects. */
  async begin(idp: ModelIdp, real: R): Promise<void> {
    await this.act(idp, real);
    real.invariants.remember();
  }

  toString(): string {
    return this.description;
  }
}

export const nth = <T>(list: readonly T[], index: number): T | undefined =>
  list[index % Math.max(list.length, 1)];

export async function accepted(answer: Promise<{ status: number; body: unknown }>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`The IdP was answered with ${status}: ${JSON.stringify(body)}`);
}

export const anyIndex = fc.nat({ max: 11 });
const anyName = fc.constantFrom(...TEAM_NAMES);

const usersAmong = ({ users }: ModelIdp, keys: readonly number[]) => keys.filter((key) => users.has(key));
const idsOf = ({ users }: ModelIdp, keys: readonly number[]) => keys.map((key) => users.get(key)!.id);
const isFree = ({ groups }: ModelIdp, wanted: string) => groups.every(({ name }) => name !== wanted);

/** @param addresses the users' addresses; the index is the user's key */
export function idpCommands<R extends Real>(addresses: readonly string[]) {
  const keysOfUsers = [...addresses.keys()];
  const anyKey = fc.constantFrom(...keysOfUsers);
  const anyKeys = fc.subarray(keysOfUsers);
  const anyAddress = fc.constantFrom(...addresses, 'unknown@example.com');
  const command = (description: string, act: Act<R>) => new Command(description, act);

  const createUser = anyKey.map((key) =>
    command(`create user ${key}`, async (idp, { world }) => {
      if (idp.users.get(key)?.active) return;
      const address = addresses[key]!;
      const id = await world.createUser(key, address);
      // An inactive user is revived under the old id, without groups, and can be linked to another remote user.
      idp.leaveAll(key);
      idp.users.set(key, { key, id, active: true, address, addresses: new Set() });
    }),
  );

  const deleteUser = anyKey.map((key) =>
    command(`delete user ${key}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await accepted(world.scim.delete(`/Users/${user.id}`));
      idp.deleteUser(user);
    }),
  );

  const setActive = fc.tuple(anyKey, fc.boolean()).map(([key, active]) =>
    command(`${active ? 're' : 'de'}activate user ${key}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await accepted(world.scim.setActive(user.id, active));
      user.active = active;
    }),
  );

  const changeAddress = fc.tuple(anyKey, anyAddress).map(([key, address]) =>
    command(`change the address of user ${key} to ${address}`, async (idp, { world }) => {
      const user = idp.users.get(key);
      if (!user) return;
      await world.changeAddress(user.id, address);
      user.address = address;
    }),
  );

  const swapAddresses = fc.tuple(anyKey, anyKey).map(([key, otherKey]) =>
    command(`swap the addresses of users ${key} and ${otherKey}`, async (idp, { world }) => {
      const [one, other] = [idp.users.get(key), idp.users.get(otherKey)];
      if (!one || !other) return;
      await world.changeAddress(one.id, other.address);
      await world.changeAddress(other.id, one.address);
      [one.address, other.address] = [other.address, one.address];
    }),
  );

  const createGroup = fc.tuple(anyName, anyKeys).map(([name, keys]) =>
    command(`create group ${name} with ${keys.join()}`, async (idp, { world }) => {
      if (!isFree(idp, name)) return;
      const members = usersAmong(idp, keys);
      const id = await world.scim.createGroup(name, idsOf(idp, members));
      idp.groups.push({ id, name, members: new Set(members) });
    }),
  );

  const renameGroup = fc.tuple(anyIndex, anyName).map(([index, name]) =>
    command(`rename group #${index} to ${name}`, async (idp, { world }) => {
      const group = nth(idp.groups, index);
      if (!group || !isFree(idp, name)) return;
      await accepted(world.scim.renameGroup(group.id, name));
      group.name = name;
    }),
  );

  const swapNames = fc.tuple(anyIndex, anyIndex).map(([index, otherIndex]) =>
    command(`swap the names of groups #${index} and #${otherIndex}`, async (idp, { world }) => {
      const [one, other] = [nth(idp.groups, index), nth(idp.groups, otherIndex)];
      if (!one || !other || one === other) return;
      await accepted(world.scim.renameGroup(one.id, 'Between'));
      await accepted(world.scim.renameGroup(other.id, one.name));
      await accepted(world.scim.renameGroup(one.id, other.name));
      [one.name, other.name] = [other.name, one.name];
    }),
  );

  const deleteGroup = anyIndex.map((index) =>
    command(`delete group #${index}`, async (idp, { world }) => {
      const group = nth(idp.groups, index);
      if (!group) return;
      await accepted(world.scim.delete(`/Groups/${group.id}`));
      idp.deleteGroup(group);
    }),
  );

  const changeMembers = fc
    .tuple(anyIndex, fc.constantFrom('add', 'remove', 'replace'), anyKeys)
    .map(([index, op, keys]) =>
      command(`${op} members ${keys.join()} of group #${index}`, async (idp, { world }) => {
        const group = nth(idp.groups, index);
        const members = usersAmong(idp, keys);
        if (!group || (op !== 'replace' && members.length === 0)) return;
        const value = idsOf(idp, members).map((id) => ({ value: id }));
        await accepted(world.scim.patchOperations(`/Groups/${group.id}`, { op, path: 'members', value }));
        if (op === 'replace') group.members.clear();
        for (const key of members) group.members[op === 'remove' ? 'delete' : 'add'](key);
      }),
    );

  return {
    ...{ createUser, deleteUser, setActive, changeAddress, swapAddresses },
    ...{ createGroup, renameGroup, swapNames, deleteGroup, changeMembers },
  };
}
