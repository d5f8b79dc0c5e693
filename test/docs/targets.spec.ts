import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_ROLES, type BaseRole, type TeamRole, TEAM_ROLES } from '../../simulator/state/records';
import { grantTeamRole } from '../../simulator/rules/team-roles';
import { read } from './documents';

const GUIDE = read('docs/connect-okta-and-pagerduty.md');
const ARCHITECTURE = read('docs/architecture.md');
const CONTRACT = read('src/integrations/provider/integration-provider.ts');

/** The role that PagerDuty gives for a requested role, or for none. */
function given(baseRole: BaseRole, asked?: TeamRole): TeamRole | 'refused' {
  try {
    return grantTeamRole(baseRole, asked, undefined);
  } catch {
    return 'refused';
  }
}

describe('what the documents say of targets', () => {
  it('the guide says what each base role of PagerDuty becomes in a team', () => {
    const rows = [...GUIDE.matchAll(/^\| [^|]+\| `(\w+)` +\| (\w+) +\| ([^|]+?) *\|$/gm)];
    const said = Object.fromEntries(rows.map(([, role, becomes, instead]) => [role, { becomes, instead }]));
    const expected = BASE_ROLES.map((role) => {
      const becomes = given(role);
      const others = TEAM_ROLES.filter((other) => other !== becomes && given(role, other) === other);
      const instead =
        becomes === 'refused'
          ? 'refused: `user_is_stakeholder`'
          : others.length === 0
            ? `is not taken: they are added as ${becomes}`
            : expect.stringMatching(new RegExp(`^(${others.join(', ')}|${others.reverse().join(', ')})$`));
      return [role, { becomes: becomes === 'refused' ? 'nothing' : becomes, instead }];
    });
    expect(said).toEqual(Object.fromEntries(expected));
  });

  describe('"Adding a target"', () => {
    const section = ARCHITECTURE.split(/^(?=## )/m).find((text) => text.startsWith('## Adding a target'))!;
    const code = [...section.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

    it('names the contract suite, the sample target and every other file as it is', () => {
      const files = code.filter((text) => text.includes('/') && !text.includes(' '));
      expect(files).toEqual(
        expect.arrayContaining([
          'test/provider/contract.ts',
          'test/support/directory-provider.ts',
          'test/provisioning/second-provider.spec.ts',
        ]),
      );
      for (const file of files)
        expect([file, existsSync(join(__dirname, '../..', file))]).toEqual([file, true]);
    });

    it('says that roles, equal names and what is told of people are the provider’s, as the contract has them', () => {
      for (const name of ['memberRoles', 'groupNameKey', 'userAttributes']) {
        expect(code.some((text) => text.endsWith(name))).toBe(true);
        expect(CONTRACT).toMatch(new RegExp(`\\b${name}[(:]`));
      }
    });
  });
});
