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

describe('the plan for a group without a remote group', () => {
  it.each<[string, Partial<NewGroupInput>, object]>([
    ['creates one if none exists', {}, { kind: 'create', name: 'On-call' }],
    [
      'creates none with a name that is too long',
      { name: 'x'.repeat(11) },
      { kind: 'blocked', obstacle: { reason: 'name_too_long', message: expect.stringContaining('11') } },
    ],
    ['adopts an existing one', { existing: team }, { kind: 'adopt', team }],
    [
      'adopts none if the policy forbids it',
      { existing: team, existingTeams: 'fail' },
      { kind: 'blocked', obstacle: { reason: 'team_exists' } },
    ],
    [
      'recognises its own creation under any policy',
      { existing: team, intent, existingTeams: 'fail' },
      { kind: 'recognise', team },
    ],
    [
      'does not recognise a remote group with another description',
      { existing: { ...team, description: 'by hand' }, intent },
      { kind: 'adopt' },
    ],
    [
      'waits until it is known whether another group created it',
      { existing: team, mayBelongToAnotherGroup: true },
      { kind: 'wait' },
    ],
    [
      'recognises its own creation under a former name of the group',
      { existing: team, intent, groupName: 'Renamed' },
      { kind: 'recognise', team },
    ],
    [
      'repeats its creation under the former name while it may not be visible yet',
      { intent, groupName: 'Renamed' },
      { kind: 'create', name: 'On-call' },
    ],
    [
      'creates none under the former name when its creation would be visible',
      { intent, groupName: 'Renamed', now: READS_LAG_MS + 1 },
      { kind: 'give-up' },
    ],
    [
      'does not adopt a foreign remote group under the former name',
      { existing: { ...team, description: 'by hand' }, intent, groupName: 'Renamed' },
      { kind: 'give-up' },
    ],
    [
      'ignores a claim on the former name',
      { existing: team, intent, claim: own, groupName: 'Renamed' },
      { kind: 'give-up' },
    ],
    [
      'names the claiming group of this integration',
      { existing: team, claim: own },
      { kind: 'blocked', obstacle: { reason: 'team_claimed', message: expect.stringContaining('on-call') } },
    ],
    [
      'waits for the name of a renamed group of this integration',
      { existing: team, claim: { ...own, groupName: 'Platform' } },
      {
        kind: 'wait-for-name',
        obstacle: { reason: 'name_not_free_yet', message: expect.stringContaining('Platform') },
      },
    ],
    [
      'waits for the name of a deleted group of this integration',
      { existing: team, claim: { ...own, deleted: true } },
      { kind: 'wait-for-name', obstacle: { reason: 'name_not_free_yet' } },
    ],
    [
      'does not wait if the target refuses to rename the holder',
      { existing: team, claim: { ...own, groupName: 'Platform', stuck: true } },
      { kind: 'blocked', obstacle: { reason: 'team_claimed', message: expect.stringContaining('Platform') } },
    ],
    [
      'does not wait for a group of another integration',
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

describe('the name of a remote group', () => {
  const fine = { remoteName: 'Old', nameReason: null, nameMessage: null, nameNextAttemptAt: null };
  const refused = { ...fine, nameReason: 'name_taken', nameMessage: 'taken', nameNextAttemptAt: 2_000 };

  it.each<[string, Partial<NamePlanInput>, object]>([
    ['stays if it is the group’s', { name: 'Old' }, { kind: 'keep' }],
    ['becomes the group’s', {}, { kind: 'rename', name: 'New' }],
    [
      'waits after a refusal',
      { team: refused },
      { kind: 'wait', obstacle: { reason: 'name_taken', message: 'taken' } },
    ],
    ['is tried again when the attempt is due', { team: refused, now: 2_000 }, { kind: 'rename' }],
    ['is tried again when the group changes', { team: refused, changed: true }, { kind: 'rename' }],
    [
      'is not sent if it is too long',
      { name: 'x'.repeat(11) },
      { kind: 'blocked', obstacle: { reason: 'name_too_long' } },
    ],
  ])('%s', (_, more, expected) => {
    const plan = planName({ name: 'New', team: fine, changed: false, now: 1_000, provider, ...more });
    expect(plan).toMatchObject(expected);
  });
});
