import { type UnclearPair, undoneAmong } from './unclear-writes';

const ours = { managed: true, preexisting: false };
const stranger = { managed: false, preexisting: false };
const there = { managed: false, preexisting: true };

describe('a pair with an unclear write', () => {
  it.each<[string, UnclearPair['known'], boolean, 'added' | 'removed' | null]>([
    ['of a removed member is right when the member is not seen', null, false, null],
    ['of a removed member is removed again when the member is seen', null, true, 'removed'],
    [
      'that reconciliation took for a stranger is removed too',
      { state: 'present', ...stranger },
      true,
      'removed',
    ],
    ['of a member of ours is right when the member is seen', { state: 'present', ...ours }, true, null],
    [
      'of a member of ours is added again when the member is not seen',
      { state: 'present', ...ours },
      false,
      'added',
    ],
    ['of a member that was there before us is left alone', { state: 'present', ...there }, true, null],
    ['of a member that was there before us may be missing', { state: 'present', ...there }, false, null],
    ['of a member that is being added is sent again anyway', { state: 'adding', ...ours }, false, null],
    ['of a member that is being removed is sent again anyway', { state: 'removing', ...ours }, true, null],
  ])('%s', (_, known, seen, expected) => {
    const undone = undoneAmong([{ remoteUserId: 'P1', known }], new Set(seen ? ['P1'] : []));
    expect(undone).toEqual({
      added: expected === 'added' ? ['P1'] : [],
      removed: expected === 'removed' ? ['P1'] : [],
    });
  });
});
