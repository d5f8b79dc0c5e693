import { type KnownTeam, planTeam } from './group-plan';

const intent = { name: 'A', description: 'd', lookedUpAt: 1 };
const none = { remoteId: null, remoteName: null, ownership: null, createIntent: null };
const created: KnownTeam = { remoteId: 'T', remoteName: 'A', ownership: 'created', createIntent: null };
const adopted: KnownTeam = { ...created, ownership: 'adopted' };

describe('the plan for a team', () => {
  it.each<[string, string | null, KnownTeam | null, 'delete' | 'release' | 'leave', object]>([
    ['looks for a team of a new group', 'A', null, 'delete', { kind: 'find-or-create', name: 'A' }],
    [
      'clears up a creation that has no answer first',
      'B',
      { ...none, createIntent: intent },
      'delete',
      { kind: 'resume-create', intent },
    ],
    ['keeps a team that has the name', 'A', created, 'delete', { kind: 'keep' }],
    ['renames a team that has another', 'B', created, 'delete', { kind: 'rename', name: 'B' }],
    ['forgets a deleted group without a team', null, none, 'delete', { kind: 'forget' }],
    [
      'clears up a creation also for a deleted group',
      null,
      { ...none, createIntent: intent },
      'delete',
      { kind: 'resume-create', intent },
    ],
    [
      'calls nothing when told to leave, whatever is open',
      null,
      { ...none, createIntent: intent },
      'leave',
      { kind: 'forget' },
    ],
    ['deletes the team that it created', null, created, 'delete', { kind: 'delete' }],
    ['never deletes a team that was there before', null, adopted, 'delete', { kind: 'release' }],
    ['releases when told to', null, created, 'release', { kind: 'release' }],
    ['leaves everything as it is when told to', null, created, 'leave', { kind: 'forget' }],
    ['leaves an adopted team as it is when told to', null, adopted, 'leave', { kind: 'forget' }],
  ])('%s', (_, displayName, team, onGroupDelete, action) => {
    expect(planTeam(displayName === null ? null : { displayName }, team, onGroupDelete)).toEqual(action);
  });
});
