import { type UnclearPair, undoneAmong } from './unclear-writes';

const ours = { managed: true, preexisting: false };
const stranger = { managed: false, preexisting: false };
const there = { managed: false, preexisting: true };

describe('a pair whose write ended unclear', () => {
  it.each<[string, UnclearPair['known'], boolean, 'added' | 'removed' | null]>([
    ['and who left is as it should be when they are not seen', null, false, null],
    ['and who left is to leave again when they are seen', null, true, 'removed'],
    [
      'whom reconciliation took for a stranger is to leave too',
      { state: 'present', ...stranger },
      true,
      'removed',
    ],
    ['who is ours is as it should be when they are seen', { state: 'present', ...ours }, true, null],
    ['who is ours is to join again when they are not seen', { state: 'present', ...ours }, false, 'added'],
    ['who was there before us is left alone', { state: 'present', ...there }, true, null],
    ['who was there before us may have left by themselves', { state: 'present', ...there }, false, null],
    ['who is being added is sent again anyway', { state: 'adding', ...ours }, false, null],
    ['who is being removed is sent again anyway', { state: 'removing', ...ours }, true, null],
  ])('%s', (_, known, seen, expected) => {
    const undone = undoneAmong([{ remoteUserId: 'P1', known }], new Set(seen ? ['P1'] : []));
    expect(undone).toEqual({
      added: expected === 'added' ? ['P1'] : [],
      removed: expected === 'removed' ? ['P1'] : [],
    });
  });
});
