import fc from '../../../support/properties';
import { Refused } from './user-model';

/** A group, reduced to what a PATCH of its members or its name can change. */
export interface GroupState {
  externalId?: string;
  members: Set<string>;
}

export interface GroupOperation {
  json: { op: string; path?: string; value?: unknown };
  apply: (state: GroupState) => void;
}

/** The possible members: id → name. */
export type Pool = ReadonlyMap<string, string>;

const some = (ids: fc.Arbitrary<string>) => fc.array(ids, { maxLength: 4 });
const asMembers = (ids: readonly string[]) => ids.map((value) => ({ value, display: null, $ref: null }));

/** Operations of clients that change the members of a group. */
export function groupOperationOn(pool: Pool, strangers: readonly string[]): fc.Arbitrary<GroupOperation> {
  const insider = fc.constantFrom(...pool.keys());
  const anybody = fc.oneof(
    { weight: 15, arbitrary: insider },
    { weight: 1, arbitrary: fc.constantFrom(...strangers) },
  );

  const add = fc
    .tuple(fc.constantFrom('add', 'Add'), some(anybody), fc.constantFrom('path', 'value'))
    .map(([op, ids, how]): GroupOperation => ({
      json:
        how === 'path'
          ? { op, path: 'members', value: asMembers(ids) }
          : { op, value: { members: asMembers(ids) } },
      apply: ({ members }) => ids.forEach((id) => members.add(id)),
    }));
  const addOne = anybody.map((id): GroupOperation => ({
    json: { op: 'add', path: 'members', value: { value: id } },
    apply: ({ members }) => void members.add(id),
  }));
  const replace = fc
    .tuple(fc.constantFrom('replace', 'Replace'), some(anybody), fc.constantFrom('path', 'value'))
    .map(([op, ids, how]): GroupOperation => ({
      json:
        how === 'path'
          ? { op, path: 'members', value: asMembers(ids) }
          : { op, value: { members: asMembers(ids) } },
      apply: (group) => void (group.members = new Set(ids)),
    }));
  const removeListed = some(anybody).map((ids): GroupOperation => ({
    json: { op: 'Remove', path: 'members', value: asMembers(ids) },
    apply: ({ members }) => ids.forEach((id) => members.delete(id)),
  }));
  const removeByFilter = fc.array(anybody, { minLength: 1, maxLength: 3 }).map((ids): GroupOperation => ({
    json: { op: 'remove', path: `members[${ids.map((id) => `value eq "${id}"`).join(' or ')}]` },
    apply: ({ members }) => ids.forEach((id) => members.delete(id)),
  }));
  const removeByName = fc.constantFrom(...pool.values()).map((name): GroupOperation => ({
    json: { op: 'remove', path: `members[display eq ${JSON.stringify(name.toUpperCase())}]` },
    apply: ({ members }) =>
      [...members].filter((id) => pool.get(id) === name).forEach((id) => members.delete(id)),
  }));
  const keepOne = insider.map((kept): GroupOperation => ({
    json: { op: 'remove', path: `members[type eq "user" and not (value eq "${kept}")]` },
    // An unknown user has no type either.
    apply: ({ members }) =>
      [...members].filter((id) => id !== kept && pool.has(id)).forEach((id) => members.delete(id)),
  }));
  const clear = fc.constant<GroupOperation>({
    json: { op: 'remove', path: 'members' },
    apply: ({ members }) => members.clear(),
  });
  const label = fc.option(fc.constantFrom('one', 'two')).map((value): GroupOperation => ({
    json: { op: 'replace', path: 'externalId', value },
    apply: (group) => {
      if (value === null) delete group.externalId;
      else group.externalId = value;
    },
  }));
  return fc.oneof(
    ...[add, add, addOne, replace, removeListed, removeListed, removeByFilter, removeByName, keepOne],
    ...[clear, label],
  );
}

/** Only users may be members of a group. */
export function strangersRefused(before: GroupState, pool: Pool): GroupOperation {
  return {
    json: { op: 'none' },
    apply: ({ members }) => {
      if ([...members].some((id) => !pool.has(id) && !before.members.has(id)))
        throw new Refused('invalidValue');
    },
  };
}
