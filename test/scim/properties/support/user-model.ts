import fc from '../../../support/properties';
import { ENTERPRISE } from '../../support/urns';

/** A second, simple implementation of PATCH (RFC 7644 §3.5.2), for a user without its userName and id. */
export interface UserState {
  displayName?: string;
  nickName?: string;
  title?: string;
  active: boolean;
  name?: { givenName?: string; familyName?: string };
  emails?: Entry[];
  phoneNumbers?: Entry[];
  department?: string;
}

interface Entry {
  value?: string;
  type?: string;
  primary?: boolean;
}

/** An operation as it is sent, with its effect on a user. */
export interface UserOperation {
  json: { op: string; path?: string; value?: unknown };
  apply: (state: UserState) => void;
}

/** The operation, and with it the whole PATCH, gets the answer 400. */
export class Refused extends Error {
  constructor(readonly scimType: string) {
    super(scimType);
  }
}

/** @returns the state afterwards, or the `scimType` of the refusal; the given state stays as it is */
export function patched<State>(
  state: State,
  operations: readonly { apply: (state: State) => void }[],
): { after: State } | { refused: string } {
  const after = structuredClone(state);
  try {
    for (const { apply } of operations) apply(after);
    return { after };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.scimType };
    throw error;
  }
}

const text = fc.constantFrom('a', 'A', '', 'Ä "quoted" \\ text', '😀', 'x'.repeat(300));
const setting = fc.constantFrom('add', 'Add', 'replace', 'Replace');
const inSomeCase = (name: string) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());

const SIMPLE = ['nickName', 'title'] as const;
const LISTS = ['emails', 'phoneNumbers'] as const;

function assign<T extends object, K extends keyof T>(
  object: T,
  key: K,
  value: T[K] | null | undefined,
): void {
  if (value === null || value === undefined) delete object[key];
  else object[key] = value;
}

const setSimple = fc.tuple(fc.constantFrom(...SIMPLE), setting, fc.option(text)).chain(([name, op, value]) =>
  inSomeCase(name).map((path): UserOperation => ({
    json: { op, path, value },
    apply: (user) => assign(user, name, value),
  })),
);

const removeSimple = fc
  .tuple(fc.constantFrom(...SIMPLE), fc.constantFrom('remove', 'Remove'))
  .map(([name, op]): UserOperation => ({
    json: { op, path: name },
    apply: (user) => assign(user, name, null),
  }));

const setActive = fc
  .tuple(setting, fc.constantFrom(true, false, 'True', 'False', null))
  .map(([op, value]): UserOperation => ({
    json: { op, path: 'active', value },
    // It always has a value: null changes nothing.
    apply: (user) => (user.active = value === null ? user.active : String(value).toLowerCase() === 'true'),
  }));

function mergeName(user: UserState, given: Record<string, string | null>): void {
  const name = { ...user.name };
  for (const [part, value] of Object.entries(given)) assign(name, part as 'givenName', value);
  assign(user, 'name', Object.keys(name).length > 0 ? name : null);
}

const namePart = fc.constantFrom('givenName', 'familyName');
const setName = fc
  .tuple(setting, fc.dictionary(namePart, fc.option(text), { maxKeys: 2, noNullPrototype: true }))
  .map(([op, value]): UserOperation => ({
    json: { op, path: 'name', value },
    apply: (user) => mergeName(user, value),
  }));
const setNamePart = fc.tuple(setting, namePart, fc.option(text)).map(([op, part, value]): UserOperation => ({
  json: { op, path: `name.${part}`, value },
  apply: (user) => mergeName(user, { [part]: value }),
}));
const removeName = fc.constant<UserOperation>({
  json: { op: 'remove', path: 'name' },
  apply: (user) => delete user.name,
});

const setDepartment = fc
  .tuple(setting, fc.option(text), fc.constantFrom('path', 'object', 'key'))
  .map(([op, value, how]): UserOperation => {
    const path = `${ENTERPRISE}:department`;
    return {
      json:
        how === 'path'
          ? { op, path, value }
          : { op, value: how === 'key' ? { [path]: value } : { [ENTERPRISE]: { department: value } } },
      apply: (user) => assign(user, 'department', value),
    };
  });
const removeExtension = fc.constant<UserOperation>({
  json: { op: 'remove', path: ENTERPRISE },
  apply: (user) => delete user.department,
});

const type = fc.constantFrom('work', 'home', 'other');
const entry: fc.Arbitrary<Entry> = fc.record(
  { value: fc.constantFrom('1@x', '2@x', '3@x'), type, primary: fc.boolean() },
  { requiredKeys: ['value'] },
);
const entries = fc.array(entry, { maxLength: 3 });

const isSame = (a: Entry, b: Entry) => isSameEntry(a, b) && Boolean(a.primary) === Boolean(b.primary);
const isSameEntry = (a: Entry, b: Entry) => a.value === b.value && a.type === b.type;
const distinct = (list: Entry[]) => list.filter((a, n) => list.findIndex((b) => isSame(a, b)) === n);

/** Merges equal entries if the request touched one of them. */
function unified(list: Entry[], touched: ReadonlySet<Entry>): Entry[] {
  const result: Entry[] = [];
  for (const entry of list) {
    const alike = list.filter((other) => isSameEntry(other, entry));
    if (!alike.some((other) => touched.has(other))) result.push(entry);
    else if (alike[0] === entry) {
      const isPrimary = alike.some(({ primary }) => primary);
      result.push(Object.assign({}, ...alike, isPrimary ? { primary: true } : {}) as Entry);
    }
  }
  return result;
}

/** A request with two primary values contradicts itself. */
function read(given: Entry[]): Entry[] {
  const list = distinct(structuredClone(given));
  if (list.filter(({ primary }) => primary).length > 1) throw new Refused('invalidValue');
  return list;
}

function addTo(user: UserState, name: (typeof LISTS)[number], given: Entry[]): void {
  const list = [...(user[name] ?? [])];
  const touched = new Set<Entry>();
  let preferred: Entry | undefined;
  for (const value of read(given)) {
    const present = list.find((candidate) => isSameEntry(candidate, value));
    const kept = present ? Object.assign(present, value) : value;
    if (!present) list.push(kept);
    touched.add(kept);
    if (value.primary) preferred = kept;
  }
  // A primary value that the same request resets does not count.
  if (preferred?.primary) {
    for (const other of list) {
      if (other === preferred || !other.primary) continue;
      other.primary = false;
      touched.add(other);
    }
  }
  assign(user, name, list.length > 0 ? unified(list, touched) : null);
}

function replaceList(user: UserState, name: (typeof LISTS)[number], given: Entry[]): void {
  const list = read(given);
  assign(user, name, list.length > 0 ? list : null);
}

const setList = fc
  .tuple(fc.constantFrom(...LISTS), setting, entries)
  .map(([name, op, value]): UserOperation => ({
    json: { op, path: name, value },
    apply: (user) => (op.toLowerCase() === 'add' ? addTo(user, name, value) : replaceList(user, name, value)),
  }));

const removeFromList = fc.tuple(fc.constantFrom(...LISTS), fc.option(type)).chain(([name, chosen]) =>
  inSomeCase(chosen ?? '').map((written): UserOperation => ({
    json: { op: 'remove', path: chosen === null ? name : `${name}[type eq "${written}"]` },
    apply: (user) => {
      const left = chosen === null ? [] : (user[name] ?? []).filter((value) => value.type !== chosen);
      assign(user, name, left.length > 0 ? left : null);
    },
  })),
);

/** `emails[type eq "work"].value` of all matching values: `replace` needs one, the other operations create one. */
const setSelected = fc
  .tuple(fc.constantFrom(...LISTS), setting, type, fc.constantFrom('1@x', '2@x', '9@x'))
  .map(([name, op, chosen, value]): UserOperation => ({
    json: { op, path: `${name}[type eq "${chosen}"].value`, value },
    apply: (user) => {
      const list = user[name] ?? [];
      const selected = list.filter((candidate) => candidate.type === chosen);
      if (selected.length === 0) {
        if (op === 'replace') throw new Refused('noTarget');
        addTo(user, name, [{ value, type: chosen }]);
        return;
      }
      for (const candidate of selected) candidate.value = value;
      user[name] = unified(list, new Set(selected));
    },
  }));

const replaceSelected = fc
  .tuple(fc.constantFrom(...LISTS), type, entry)
  .map(([name, chosen, value]): UserOperation => ({
    json: { op: 'replace', path: `${name}[type eq "${chosen}"]`, value },
    apply: (user) => {
      const list = user[name] ?? [];
      if (!list.some((candidate) => candidate.type === chosen)) throw new Refused('noTarget');
      const after = list.map((candidate) => {
        if (candidate.type === chosen) return { ...value };
        return value.primary && candidate.primary ? { ...candidate, primary: false } : candidate;
      });
      user[name] = unified(after, new Set(after.filter((candidate) => !list.includes(candidate))));
    },
  }));

/** `emails.type`, `emails[type eq "work"].primary`: a part of all values, or of the matching ones. */
const removePart = fc
  .tuple(fc.constantFrom(...LISTS), fc.option(type), fc.constantFrom('type', 'primary'))
  .map(([name, chosen, part]): UserOperation => ({
    json: { op: 'remove', path: `${chosen === null ? name : `${name}[type eq "${chosen}"]`}.${part}` },
    apply: (user) => {
      const list = user[name];
      if (!list) return;
      const selected = list.filter((candidate) => chosen === null || candidate.type === chosen);
      for (const candidate of selected) delete candidate[part as 'type'];
      user[name] = unified(list, new Set(selected));
    },
  }));

/** Keys are paths. Read-only and unknown keys are ignored. */
const withoutPath = fc
  .tuple(setting, fc.option(text), fc.option(text), entries)
  .map(([op, title, givenName, emails]): UserOperation => ({
    json: { op, value: { id: 'x', title, 'name.givenName': givenName, shoeSize: 44, emails, groups: [] } },
    apply: (user) => {
      assign(user, 'title', title);
      mergeName(user, { givenName });
      if (op.toLowerCase() === 'add') addTo(user, 'emails', emails);
      else replaceList(user, 'emails', emails);
    },
  }));

const ofAnotherSchema = fc.tuple(setting, text).map(([op, value]): UserOperation => ({
  json: { op, path: 'urn:example:params:other:1.0:User:title', value },
  apply: () => undefined,
}));

export const userOperation: fc.Arbitrary<UserOperation> = fc.oneof(
  ...[setSimple, removeSimple, setActive, setName, setNamePart, removeName, setDepartment, removeExtension],
  ...[
    setList,
    setList,
    removeFromList,
    setSelected,
    setSelected,
    replaceSelected,
    removePart,
    removePart,
    withoutPath,
    ofAnotherSchema,
  ],
);
