import fc from '../../../test/support/properties';
import { atOnce } from '../../event-loop/slice';
import { matches } from '../filter/evaluate';
import { ScimError } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import { GROUP } from '../schema/registry';
import { MembershipEffect, collapse, splitMembership, type MembershipStep } from './membership-patch';
import { readPatchRequest } from './patch-request';

function split(...operations: object[]) {
  const request = { schemas: [MESSAGE_URNS.patchOp], Operations: operations };
  return atOnce(splitMembership(atOnce(readPatchRequest(GROUP, request))));
}

describe('a PATCH of members', () => {
  it.each([
    // Okta.
    [
      'Okta: remove by filter and add a list',
      [
        { op: 'remove', path: 'members[value eq "a"]' },
        { op: 'add', path: 'members', value: [{ value: 'b', display: 'bo@example.com' }] },
      ],
      [
        { kind: 'remove', userIds: ['a'] },
        { kind: 'add', userIds: ['b'] },
      ],
    ],
    [
      'Okta: replace the list',
      [
        {
          op: 'replace',
          path: 'members',
          value: [{ value: 'a', display: null }, { value: 'b' }, { value: 'a' }],
        },
      ],
      [{ kind: 'set', userIds: ['a', 'b'] }],
    ],
    [
      'Okta: replace by an empty list',
      [{ op: 'replace', path: 'members', value: [] }],
      [{ kind: 'set', userIds: [] }],
    ],
    [
      'Okta: replace without a path',
      [{ op: 'replace', value: { members: [{ value: 'a' }] } }],
      [{ kind: 'set', userIds: ['a'] }],
    ],
    ['Okta: metadata', [{ op: 'replace', value: { id: 'g', displayName: 'x' } }], []],
    // Entra.
    [
      'Entra: Add',
      [{ op: 'Add', path: 'members', value: [{ $ref: null, value: 'a' }] }],
      [{ kind: 'add', userIds: ['a'] }],
    ],
    [
      'Entra: Remove of a list',
      [{ op: 'Remove', path: 'members', value: [{ $ref: null, value: 'a' }, { value: 'b' }] }],
      [{ kind: 'remove', userIds: ['a', 'b'] }],
    ],
    ['Entra: Remove without a value', [{ op: 'Remove', path: 'members' }], [{ kind: 'clear' }]],
    // Others.
    [
      'one object',
      [{ op: 'add', path: 'members', value: { value: 'a' } }],
      [{ kind: 'add', userIds: ['a'] }],
    ],
    [
      'a full path',
      [{ op: 'add', path: `${GROUP.schema.id}:MEMBERS`, value: { value: 'a' } }],
      [{ kind: 'add', userIds: ['a'] }],
    ],
    [
      'a full key',
      [{ op: 'add', value: { [`${GROUP.schema.id}:members`]: [{ value: 'a' }] } }],
      [{ kind: 'add', userIds: ['a'] }],
    ],
    ['add of an empty list', [{ op: 'add', path: 'members', value: [] }], []],
    ['remove of an empty list', [{ op: 'remove', path: 'members', value: [] }], []],
    [
      'several ids joined by or',
      [{ op: 'remove', path: 'members[value eq "a" or (VALUE EQ "b" or value eq "c")]' }],
      [{ kind: 'remove', userIds: ['a', 'b', 'c'] }],
    ],
    [
      'the order of the operations',
      [
        { op: 'remove', path: 'members' },
        { op: 'add', path: 'members', value: [{ value: 'a' }] },
        { op: 'remove', path: 'members[value eq "a"]' },
      ],
      [{ kind: 'clear' }, { kind: 'add', userIds: ['a'] }, { kind: 'remove', userIds: ['a'] }],
    ],
  ])('is read: %s', (_, operations, steps) => {
    expect(split(...operations).steps).toEqual(steps);
  });

  it('keeps any other filter as a step', () => {
    const [step] = split({ op: 'remove', path: 'members[display sw "a" and value ne "b"]' }).steps;
    if (step?.kind !== 'removeWhere') throw new Error(`read as ${String(step?.kind)}`);
    expect(matches(step.filter, { value: 'a', display: 'Ada' })).toBe(true);
    expect(matches(step.filter, { value: 'b', display: 'Ada' })).toBe(false);
  });

  it('separates the attributes from the members of one value', () => {
    const { attributeOperations, steps } = split(
      { op: 'replace', value: { displayName: 'x', Members: [{ value: 'a' }], id: 'g' } },
      { op: 'replace', path: 'externalId', value: 'e' },
    );
    expect(steps).toEqual([{ kind: 'set', userIds: ['a'] }]);
    expect(attributeOperations.map(({ target }) => target.attribute.name)).toEqual([
      'displayName',
      'id',
      'externalId',
    ]);
  });

  it.each([
    ['null', { op: 'replace', path: 'members', value: null }, 'invalidValue'],
    ['null to add', { op: 'add', path: 'members', value: null }, 'invalidValue'],
    ['null to remove', { op: 'remove', path: 'members', value: null }, 'invalidValue'],
    ['null without a path', { op: 'replace', value: { members: null } }, 'invalidValue'],
    ['no value', { op: 'replace', path: 'members' }, 'invalidValue'],
    ['a bare id', { op: 'add', path: 'members', value: 'a' }, 'invalidValue'],
    ['a list of bare ids', { op: 'remove', path: 'members', value: ['a'] }, 'invalidValue'],
    ['an empty object', { op: 'replace', path: 'members', value: {} }, 'invalidValue'],
    ['an entry without value', { op: 'replace', path: 'members', value: [{ display: 'a' }] }, 'invalidValue'],
    ['an entry with a number', { op: 'replace', path: 'members', value: [{ value: 5 }] }, 'invalidValue'],
    ['an entry with null', { op: 'replace', path: 'members', value: [{ value: null }] }, 'invalidValue'],
    [
      'an entry with a blank value',
      { op: 'replace', path: 'members', value: [{ value: '' }] },
      'invalidValue',
    ],
    ['a null entry', { op: 'replace', path: 'members', value: [null] }, 'invalidValue'],
    [
      'a nested group',
      { op: 'add', path: 'members', value: [{ value: 'g', type: 'Group' }] },
      'invalidValue',
    ],
    [
      'a path into a member',
      { op: 'replace', path: 'members[value eq "a"].display', value: 'x' },
      'mutability',
    ],
    ['a readOnly part removed', { op: 'remove', path: 'members[value eq "a"].display' }, 'mutability'],
    ['a path into all members', { op: 'remove', path: 'members.value' }, 'mutability'],
    ['an id replaced', { op: 'replace', path: 'members[value eq "a"].value', value: 'b' }, 'mutability'],
    [
      'a member replaced',
      { op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } },
      'mutability',
    ],
    ['a part that is unknown', { op: 'remove', path: 'members[value eq "a"].x' }, 'invalidPath'],
    ['a filter that is none', { op: 'remove', path: 'members[value eq a]' }, 'invalidFilter'],
    ['a filter of another type', { op: 'remove', path: 'members[value eq 5]' }, 'invalidFilter'],
    ['no path', { op: 'remove', value: { members: [{ value: 'a' }] } }, 'noTarget'],
  ])('is refused and changes nothing: %s', (_, operation, scimType) => {
    let refusal: unknown;
    try {
      split(operation);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ScimError);
    expect(refusal).toMatchObject({ status: 400, scimType });
  });

  it('says in plain words that groups do not nest', () => {
    expect(() => split({ op: 'add', path: 'members', value: [{ value: 'g', type: 'group' }] })).toThrow(
      '"members.type" may not be "Group": groups inside groups are not supported, push the users themselves.',
    );
  });
});

describe('the merged change of the steps', () => {
  it('is null if a filter decides', () => {
    const { steps } = split({ op: 'remove', path: 'members[display eq "a"]' });
    expect(atOnce(collapse(steps))).toBeNull();
  });

  it('has the same effect on any set as the steps one by one', () => {
    const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
    const step: fc.Arbitrary<MembershipStep> = fc.oneof(
      fc.record({ kind: fc.constantFrom('add' as const, 'remove' as const, 'set' as const), userIds: ids }),
      fc.constant({ kind: 'clear' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), ids, (steps, members) => {
        const change = atOnce(collapse(steps))!;
        const collapsed = change.kind === 'exact' ? new Set(change.members) : new Set(members);
        if (change.kind === 'delta') {
          for (const id of change.add) collapsed.add(id);
          for (const id of change.remove) collapsed.delete(id);
          expect([...change.add].filter((id) => change.remove.has(id))).toEqual([]);
        }
        expect([...collapsed].sort()).toEqual([...naively(steps, members)].sort());
      }),
    );
  });
});

describe('steps that depend on the current members', () => {
  it('have the same effect in one pass over the members as one by one', () => {
    const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
    const operation = fc.oneof(
      fc.record({
        op: fc.constantFrom('add', 'remove', 'replace'),
        path: fc.constant('members'),
        value: ids.map((some) => some.map((value) => ({ value }))),
      }),
      fc.constant({ op: 'remove', path: 'members' }),
      fc.record({
        op: fc.constant('remove'),
        path: fc.constantFrom(
          'members[display eq "A"]',
          'members[display gt "b"]',
          'members[not (value eq "c")]',
          'members[display co "D" or display co "a"]',
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), ids, (operations, members) => {
        const { steps } = split(...operations);
        const effect = atOnce(MembershipEffect.of(steps));
        for (const id of new Set(members)) effect.applyTo(memberOf(id), true);
        for (const id of atOnce(effect.unseenAdditions())) effect.applyTo(memberOf(id), false);
        const change = effect.change();
        const after = change.kind === 'exact' ? new Set(change.members) : new Set(members);
        if (change.kind === 'delta') {
          for (const id of change.add) after.add(id);
          for (const id of change.remove) after.delete(id);
        }
        expect([...after].sort()).toEqual([...naively(steps, members)].sort());
      }),
    );
  });

  it('are refused above twenty', () => {
    const selection = { op: 'remove', path: 'members[display co "a"]' };
    expect(split(...Array.from({ length: 20 }, () => selection)).steps).toHaveLength(20);
    expect(() => split(...Array.from({ length: 21 }, () => selection))).toThrow(/21 times/);
  });
});

function memberOf(id: string) {
  return { value: id, display: id.toUpperCase() };
}

function naively(steps: readonly MembershipStep[], members: readonly string[]): Set<string> {
  let set = new Set(members);
  for (const step of steps) {
    if (step.kind === 'clear') set = new Set();
    else if (step.kind === 'set') set = new Set(step.userIds);
    else if (step.kind === 'removeWhere')
      set = new Set([...set].filter((id) => !matches(step.filter, memberOf(id))));
    else step.userIds.forEach((id) => (step.kind === 'add' ? set.add(id) : set.delete(id)));
  }
  return set;
}
