import {
  type KnownRemoteGroup,
  type Tombstone,
  isPostponed,
  mayBeDeletedByUs,
  planRelease,
  planGroup,
} from './group-plan';

const intent = { name: 'A', description: 'd', sentAt: 1 };
const none = { remoteId: null, ownership: null, createIntent: null };
const created: KnownRemoteGroup = { remoteId: 'T', ownership: 'created', createIntent: null };
const adopted: KnownRemoteGroup = { ...created, ownership: 'adopted' };

describe('the plan for a remote group', () => {
  it.each<[string, KnownRemoteGroup | null, object]>([
    ['looks up the name of a new group', null, { kind: 'find-or-create', name: 'B' }],
    ['looks up the name of a group that got none', none, { kind: 'find-or-create', name: 'B' }],
    [
      'clears up a creation that has no answer first',
      { ...none, createIntent: intent },
      { kind: 'resume-create', intent },
    ],
    ['keeps a remote group that it created', created, { kind: 'keep' }],
    ['keeps an adopted remote group', adopted, { kind: 'keep' }],
  ])('%s', (_, team, action) => {
    expect(planGroup({ displayName: 'B' }, team)).toEqual(action);
  });
});

describe('the plan for the remote group of a deleted group', () => {
  it.each<[string, KnownRemoteGroup | null, 'delete' | 'release' | 'leave', object]>([
    ['forgets a group without a record', null, 'delete', { kind: 'forget' }],
    ['forgets a group without a remote group', none, 'delete', { kind: 'forget' }],
    [
      'clears up a creation that has no answer first',
      { ...none, createIntent: intent },
      'delete',
      { kind: 'resume-create', intent },
    ],
    [
      'makes no call in mode leave, even with an open creation',
      { ...none, createIntent: intent },
      'leave',
      { kind: 'forget' },
    ],
    ['deletes a remote group that it created', created, 'delete', { kind: 'delete' }],
    ['never deletes an adopted remote group', adopted, 'delete', { kind: 'release' }],
    ['releases a created remote group in mode release', created, 'release', { kind: 'release' }],
    ['releases an adopted remote group in mode release', adopted, 'release', { kind: 'release' }],
    ['leaves a created remote group unchanged in mode leave', created, 'leave', { kind: 'forget' }],
    ['leaves an adopted remote group unchanged in mode leave', adopted, 'leave', { kind: 'forget' }],
  ])('%s', (_, team, mode, action) => {
    expect(planRelease(team, mode)).toEqual(action);
  });
});

describe('the deletion of a remote group', () => {
  it.each<[string, Parameters<typeof isPostponed>[0], boolean]>([
    ['waits for its next attempt', { deletingSince: 10, notBefore: 101 }, true],
    ['runs when the next attempt is due', { deletingSince: 10, notBefore: 100 }, false],
    ['runs when an admin requests it', { deletingSince: 10, notBefore: null }, false],
    [
      'does not wait for a failure from before the deletion of the group',
      { deletingSince: null, notBefore: 101 },
      false,
    ],
  ])('%s', (_, tombstone, waits) => {
    expect(isPostponed(tombstone, 100)).toBe(waits);
  });
});

describe('a missing remote group', () => {
  const tombstone: Tombstone = { deletingSince: 10, lastWriteAt: 20, state: 'retrying', reason: 'timeout' };

  it.each<[string, Partial<Tombstone>, boolean]>([
    ['after a deletion without an answer', {}, true],
    ['after a deletion that was cut off', { state: 'synced', reason: null }, true],
    ['after a deletion that got "not found"', { reason: 'team_gone' }, false],
    [
      'after a deletion that got "not found" because it is not visible yet',
      { reason: 'not_visible_yet' },
      false,
    ],
    [
      'after a deletion that got "not found" while the remote group was shown',
      { state: 'blocked', reason: 'change_not_found' },
      true,
    ],
    ['after a deletion that was refused', { state: 'blocked', reason: 'team_in_use' }, false],
    ['without a sent deletion', { lastWriteAt: 5 }, false],
    ['without any write', { lastWriteAt: null }, false],
    ['of a live group', { deletingSince: null }, false],
  ])('%s is, or is not, taken for our own doing', (_, known, isOurs) => {
    expect(mayBeDeletedByUs({ ...tombstone, ...known })).toBe(isOurs);
  });
});
