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

describe('the plan for a team', () => {
  it.each<[string, KnownRemoteGroup | null, object]>([
    ['looks for a team of a new group', null, { kind: 'find-or-create', name: 'B' }],
    ['looks for a team of a group that was given none', none, { kind: 'find-or-create', name: 'B' }],
    [
      'clears up a creation that has no answer first',
      { ...none, createIntent: intent },
      { kind: 'resume-create', intent },
    ],
    ['keeps the team that it created', created, { kind: 'keep' }],
    ['keeps a team that was there before', adopted, { kind: 'keep' }],
  ])('%s', (_, team, action) => {
    expect(planGroup({ displayName: 'B' }, team)).toEqual(action);
  });
});

describe('the plan for the team of a deleted group', () => {
  it.each<[string, KnownRemoteGroup | null, 'delete' | 'release' | 'leave', object]>([
    ['forgets a group for which nothing was done', null, 'delete', { kind: 'forget' }],
    ['forgets a group without a team', none, 'delete', { kind: 'forget' }],
    [
      'clears up a creation that has no answer first',
      { ...none, createIntent: intent },
      'delete',
      { kind: 'resume-create', intent },
    ],
    [
      'calls nothing when told to leave, whatever is open',
      { ...none, createIntent: intent },
      'leave',
      { kind: 'forget' },
    ],
    ['deletes the team that it created', created, 'delete', { kind: 'delete' }],
    ['never deletes a team that was there before', adopted, 'delete', { kind: 'release' }],
    ['releases when told to', created, 'release', { kind: 'release' }],
    ['releases an adopted team when told to', adopted, 'release', { kind: 'release' }],
    ['leaves everything as it is when told to', created, 'leave', { kind: 'forget' }],
    ['leaves an adopted team as it is when told to', adopted, 'leave', { kind: 'forget' }],
  ])('%s', (_, team, mode, action) => {
    expect(planRelease(team, mode)).toEqual(action);
  });
});

describe('the deletion of a team', () => {
  it.each<[string, Parameters<typeof isPostponed>[0], boolean]>([
    ['waits for its next attempt', { deletingSince: 10, notBefore: 101 }, true],
    ['is tried when that has come', { deletingSince: 10, notBefore: 100 }, false],
    ['is tried when an admin wants it', { deletingSince: 10, notBefore: null }, false],
    [
      'does not wait for what failed while the group was there',
      { deletingSince: null, notBefore: 101 },
      false,
    ],
  ])('%s', (_, tombstone, waits) => {
    expect(isPostponed(tombstone, 100)).toBe(waits);
  });
});

describe('a team that is missing', () => {
  const tombstone: Tombstone = { deletingSince: 10, lastWriteAt: 20, state: 'retrying', reason: 'timeout' };

  it.each<[string, Partial<Tombstone>, boolean]>([
    ['after a deletion without an answer', {}, true],
    ['after a deletion that was cut off', { state: 'synced', reason: null }, true],
    ['after a deletion that found nothing', { reason: 'team_gone' }, false],
    ['after a deletion that found nothing yet', { reason: 'not_visible_yet' }, false],
    [
      'after a deletion that did not find a team that is shown',
      { state: 'blocked', reason: 'change_not_found' },
      true,
    ],
    ['after a deletion that was refused', { state: 'blocked', reason: 'team_in_use' }, false],
    ['with no deletion sent', { lastWriteAt: 5 }, false],
    ['with nothing ever written', { lastWriteAt: null }, false],
    ['of a group that is there', { deletingSince: null }, false],
  ])('%s is, or is not, taken for our own doing', (_, known, isOurs) => {
    expect(mayBeDeletedByUs({ ...tombstone, ...known })).toBe(isOurs);
  });
});
