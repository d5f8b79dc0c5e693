import { READS_LAG_MS } from './just-created';
import { type NamePlanInput, planName } from './name-plan';
import { type NewGroupInput, planNewGroup } from './new-group';

const provider = {
  limits: { groupNameLength: 10, membersPerGroup: 500, parallelCalls: 4 },
  description: { displayName: 'Target', authMethods: [], settingsSchema: {}, memberRoles: [], guides: [] },
  groupNameKey: (name: string) => name.toLowerCase(),
};
const team = { id: 'T1', name: 'On-call', description: 'ours', url: null };
const intent = { name: 'On-call', description: 'ours', sentAt: 0 };
const own = { groupName: 'on-call', integrationId: 'this', deleted: false, stuck: false };
const foreign = { groupName: 'Secret', integrationId: 'other', deleted: false, stuck: false };

const input = (more: Partial<NewGroupInput>): NewGroupInput => ({
  name: 'On-call',
  groupName: 'On-call',
  existing: undefined,
  intent: null,
  claim: undefined,
  mayBelongToAnotherGroup: false,
  integrationId: 'this',
  existingTeams: 'adopt',
  now: 0,
  provider,
  ...more,
});

describe('how a group comes to a team', () => {
  it.each<[string, Partial<NewGroupInput>, object]>([
    ['creates one where there is none', {}, { kind: 'create', name: 'On-call' }],
    [
      'creates none with a name too long',
      { name: 'x'.repeat(11) },
      { kind: 'blocked', obstacle: { reason: 'name_too_long', message: expect.stringContaining('11') } },
    ],
    ['adopts what is there', { existing: team }, { kind: 'adopt', team }],
    [
      'takes over nothing where the policy forbids it',
      { existing: team, existingTeams: 'fail' },
      { kind: 'blocked', obstacle: { reason: 'team_exists' } },
    ],
    [
      'recognises its own creation, whatever the policy',
      { existing: team, intent, existingTeams: 'fail' },
      { kind: 'recognise', team },
    ],
    [
      'takes a team of another description for somebody else’s',
      { existing: { ...team, description: 'by hand' }, intent },
      { kind: 'adopt' },
    ],
    [
      'waits until it is known whether the team is another group’s creation',
      { existing: team, mayBelongToAnotherGroup: true },
      { kind: 'wait' },
    ],
    [
      'recognises its own creation also when it has another name by now',
      { existing: team, intent, groupName: 'Renamed' },
      { kind: 'recognise', team },
    ],
    [
      'makes sure of its own creation under the old name when it has another one by now',
      { intent, groupName: 'Renamed' },
      { kind: 'create', name: 'On-call' },
    ],
    [
      'makes nothing under the old name once its own creation would be shown',
      { intent, groupName: 'Renamed', now: READS_LAG_MS + 1 },
      { kind: 'give-up' },
    ],
    [
      'does not take over somebody else’s team for the sake of a name that it has no more',
      { existing: { ...team, description: 'by hand' }, intent, groupName: 'Renamed' },
      { kind: 'give-up' },
    ],
    [
      'is not stopped by who has the team of a name that it has no more',
      { existing: team, intent, claim: own, groupName: 'Renamed' },
      { kind: 'give-up' },
    ],
    [
      'names the group of this integration that holds the team',
      { existing: team, claim: own },
      { kind: 'blocked', obstacle: { reason: 'team_claimed', message: expect.stringContaining('on-call') } },
    ],
    [
      'waits for the name of a group of this integration that has another one by now',
      { existing: team, claim: { ...own, groupName: 'Platform' } },
      {
        kind: 'wait-for-name',
        obstacle: { reason: 'name_not_free_yet', message: expect.stringContaining('Platform') },
      },
    ],
    [
      'waits for the name of a group of this integration that is deleted',
      { existing: team, claim: { ...own, deleted: true } },
      { kind: 'wait-for-name', obstacle: { reason: 'name_not_free_yet' } },
    ],
    [
      'waits for no name whose holder is refused another one',
      { existing: team, claim: { ...own, groupName: 'Platform', stuck: true } },
      { kind: 'blocked', obstacle: { reason: 'team_claimed', message: expect.stringContaining('Platform') } },
    ],
    [
      'waits for no name that a group of another integration has',
      { existing: team, claim: { ...foreign, deleted: true } },
      { kind: 'blocked', obstacle: { reason: 'team_claimed' } },
    ],
    [
      'does not name a group of another integration',
      { existing: team, claim: foreign, intent },
      {
        kind: 'blocked',
        obstacle: { reason: 'team_claimed', message: expect.not.stringContaining('Secret') },
      },
    ],
  ])('%s', (_, more, expected) => {
    expect(planNewGroup(input(more))).toMatchObject(expected);
  });
});

describe('the name of a team', () => {
  const fine = { remoteName: 'Old', nameReason: null, nameMessage: null, nameNextAttemptAt: null };
  const refused = { ...fine, nameReason: 'name_taken', nameMessage: 'taken', nameNextAttemptAt: 2_000 };

  it.each<[string, Partial<NamePlanInput>, object]>([
    ['stays where it is the group’s', { name: 'Old' }, { kind: 'keep' }],
    ['becomes the group’s', {}, { kind: 'rename', name: 'New' }],
    [
      'waits after a refusal',
      { team: refused },
      { kind: 'wait', obstacle: { reason: 'name_taken', message: 'taken' } },
    ],
    ['is tried again when its time has come', { team: refused, now: 2_000 }, { kind: 'rename' }],
    ['is tried again when the group changes', { team: refused, changed: true }, { kind: 'rename' }],
    [
      'is not asked for when it is too long',
      { name: 'x'.repeat(11) },
      { kind: 'blocked', obstacle: { reason: 'name_too_long' } },
    ],
  ])('%s', (_, more, expected) => {
    const plan = planName({ name: 'New', team: fine, changed: false, now: 1_000, provider, ...more });
    expect(plan).toMatchObject(expected);
  });
});
