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
const nothing = { renamedTo: null, missing: [], gone: [], extra: [], unmanaged: [] };

describe('drift', () => {
  it.each<[string, KnownGroup, ReturnType<typeof seen>, object]>([
    ['is empty without differences', group({ a: ['present', true] }), seen(['a']), {}],
    ['is a missing member of ours', group({ a: ['present', true] }), seen([]), { missing: ['a'] }],
    [
      'is not a missing member that was to leave anyway',
      group({ a: ['present', true] }, []),
      seen([]),
      { gone: ['a'] },
    ],
    ['is not an unmanaged member that left', group({ a: ['present', false] }), seen([]), { gone: ['a'] }],
    ['is a member that was added by hand', group({}), seen(['x']), { extra: ['x'], unmanaged: ['x'] }],
    [
      'is an unmanaged member for as long as it stays',
      group({ x: ['present', false] }, []),
      seen(['x']),
      { unmanaged: ['x'] },
    ],
    [
      'is a wanted member that was added by hand, but not as unmanaged',
      group({}, ['x']),
      seen(['x']),
      { extra: ['x'] },
    ],
    ['is not an unmanaged member that the IdP wants', group({ x: ['present', false] }), seen(['x']), {}],
    ['is a changed name', group({}), seen([], 'B'), { renamedTo: 'B' }],
    ['is empty while a call is open', group({ a: ['adding', true], b: ['removing', true] }), seen(['b']), {}],
    [
      'has no missing members for an incomplete list',
      group({ a: ['present', true] }),
      seen([], 'A', false),
      {},
    ],
  ])('%s', (_, known, shown, expected) => {
    expect(driftOf(known, shown, nobody)).toEqual({ ...nothing, ...expected });
  });

  it('has no missing members that the target said nothing about', () => {
    expect(driftOf(group({ a: ['present', true] }), seen([]), new Set(['a']))).toEqual(nothing);
  });

  it('never lists a seen member as missing', () => {
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

  it('is certain, in a busy group, only for missing members that were not added a moment ago', () => {
    const known = group({ a: ['present', true], b: ['present', true], c: ['present', false] });
    const joined = new Map([
      ['a', { joinedAt: 1_000 }],
      ['b', { joinedAt: 2_000 }],
    ]);
    const drift = driftOf(known, seen(['x'], 'B'), nobody);
    expect(sureDrift(drift, joined, 2_000)).toEqual({ ...nothing, missing: ['a'] });
  });
});
