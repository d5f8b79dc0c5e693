import fc from '../../../test/support/properties';
import { type KnownGroup, driftOf, sureDrift, visibilityLost } from './drift';

const group = (
  members: Record<string, [state: 'present' | 'adding' | 'removing', managed: boolean]>,
  wanted: readonly string[] = Object.keys(members),
): KnownGroup => ({
  remoteName: 'A',
  wanted: new Set(wanted),
  members: new Map(
    Object.entries(members).map(([id, [state, managed]]) => [id, { state, managed, preexisting: false }]),
  ),
});
const seen = (ids: string[], name = 'A', membersComplete = true) => ({
  name,
  memberIds: new Set(ids),
  membersComplete,
});
const nobody: ReadonlySet<string> = new Set();
const nothing = { renamedTo: null, missing: [], gone: [], extra: [], strangers: [] };

describe('drift', () => {
  it.each<[string, KnownGroup, ReturnType<typeof seen>, object]>([
    ['is nothing where all is as it was left', group({ a: ['present', true] }), seen(['a']), {}],
    ['is a member of ours who was taken out', group({ a: ['present', true] }), seen([]), { missing: ['a'] }],
    ['is nobody who was to leave anyway', group({ a: ['present', true] }, []), seen([]), { gone: ['a'] }],
    ['is not a stranger who left', group({ a: ['present', false] }), seen([]), { gone: ['a'] }],
    ['is somebody who was put in', group({}), seen(['x']), { extra: ['x'], strangers: ['x'] }],
    [
      'is a stranger as long as they stay',
      group({ x: ['present', false] }, []),
      seen(['x']),
      { strangers: ['x'] },
    ],
    [
      'is somebody who was put in and whom the IdP wants, but no stranger',
      group({}, ['x']),
      seen(['x']),
      { extra: ['x'] },
    ],
    ['is no stranger any more once the IdP wants them', group({ x: ['present', false] }), seen(['x']), {}],
    ['is another name', group({}), seen([], 'B'), { renamedTo: 'B' }],
    [
      'says nothing of a call that is open',
      group({ a: ['adding', true], b: ['removing', true] }),
      seen(['b']),
      {},
    ],
    [
      'misses nobody in a list that was not read to its end',
      group({ a: ['present', true] }),
      seen([], 'A', false),
      {},
    ],
  ])('%s', (_, known, shown, expected) => {
    expect(driftOf(known, shown, nobody)).toEqual({ ...nothing, ...expected });
  });

  it('misses nobody of whom the target did not tell', () => {
    expect(driftOf(group({ a: ['present', true] }), seen([]), new Set(['a']))).toEqual(nothing);
  });

  it('never misses whom it saw', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c')), fc.boolean(), (ids, managed) => {
        const known = group({ a: ['present', managed], b: ['present', !managed] });
        const drift = driftOf(known, seen(ids), nobody);
        expect([...drift.missing, ...drift.gone].filter((id) => (ids as string[]).includes(id))).toEqual([]);
      }),
    );
  });

  it.each([
    [1, 'teams', 1, false],
    [2, 'teams', 2, true],
    [3, 'teams', 10, false],
    [4, 'teams', 10, true],
    [5, 'teams', 100, false],
    [6, 'teams', 100, true],
    [0, 'teams', 0, false],
    [1, 'people', 1, false],
    [2, 'people', 2, true],
    [3, 'people', 5, false],
    [4, 'people', 5, true],
    [50, 'people', 100, false],
    [51, 'people', 100, true],
  ] as const)('of %i missing %s out of %i is lost visibility: %s', (missing, of, all, lost) => {
    expect(visibilityLost(of, missing, all)).toBe(lost);
  });

  it('is sure, in a group that is written to, of those alone who are missing and were not added a moment ago', () => {
    const known = group({ a: ['present', true], b: ['present', true], c: ['present', false] });
    const joined = new Map([
      ['a', { joinedAt: 1_000 }],
      ['b', { joinedAt: 2_000 }],
    ]);
    const drift = driftOf(known, seen(['x'], 'B'), nobody);
    expect(sureDrift(drift, joined, 2_000)).toEqual({ ...nothing, missing: ['a'] });
  });
});
