import { isDeepStrictEqual } from 'node:util';
import {
  ADA,
  ADOPTED,
  BEN,
  EMIL,
  FARAH,
  GUS,
  LEFT_ALONE,
  PAYMENTS,
  PAYMENTS_RENAMED,
  PLATFORM,
  type Person,
} from './cast';
import type { Outcome } from './outcome';

/** The exact expected result of the session. */
function expectedOutcome(tenantId: string) {
  const ours = `Created via Scimify for tenant ${tenantId}`;
  return {
    'teams in PagerDuty': {
      [LEFT_ALONE.name]: { description: 'Made by hand', members: addresses(LEFT_ALONE.members) },
      [ADOPTED.name]: { description: 'Made by hand', members: addresses([...ADOPTED.members, FARAH]) },
      [PAYMENTS_RENAMED]: { description: ours, members: addresses([ADA, BEN, EMIL]) },
      [PLATFORM]: { description: ours, members: addresses([ADA, FARAH]) },
    },
    'states of the groups': {
      [PAYMENTS_RENAMED]: { state: 'synced', members: { desired: 3, applied: 3, pending: 0 } },
      [ADOPTED.name]: { state: 'synced', members: { desired: 2, applied: 2, pending: 0 } },
      [PLATFORM]: { state: 'partial', members: { desired: 3, applied: 2, pending: 1 } },
    },
    'people who are missing': {
      [PAYMENTS_RENAMED]: {},
      [ADOPTED.name]: {},
      [PLATFORM]: { [GUS.userName]: 'user_not_found' },
    },
    // Each team is created once, with the group's name at that time. A rename keeps the team.
    'teams created': [PLATFORM, PAYMENTS].sort(),
    // Ben, Chloe and Dana, but none of the members that Okta removed by mistake.
    'members removed': 3,
  };
}

function addresses(people: readonly Person[]): string[] {
  return people.map(({ userName }) => userName).sort();
}

function observed(outcome: Outcome): ReturnType<typeof expectedOutcome> {
  return {
    'teams in PagerDuty': Object.fromEntries(
      outcome.teams.map(({ name, description, members }) => [
        name,
        { description, members: members.map(({ email }) => email).sort() },
      ]),
    ) as ReturnType<typeof expectedOutcome>['teams in PagerDuty'],
    'states of the groups': Object.fromEntries(
      outcome.groups.map(({ status }) => [
        status.displayName,
        { state: status.state, members: status.members },
      ]),
    ) as ReturnType<typeof expectedOutcome>['states of the groups'],
    'people who are missing': Object.fromEntries(
      outcome.groups.map(({ status, missing }) => [
        status.displayName,
        Object.fromEntries(missing.map(({ userName, reason }) => [userName, reason])),
      ]),
    ) as ReturnType<typeof expectedOutcome>['people who are missing'],
    'teams created': [...outcome.created].sort(),
    'members removed': outcome.removedMembers,
  };
}

/** @returns one text for each part that is not as expected; empty if all parts are */
export function differences(outcome: Outcome, tenantId: string): string[] {
  const expected = expectedOutcome(tenantId);
  const actual = observed(outcome);
  return (Object.keys(expected) as (keyof typeof expected)[])
    .filter((part) => !isDeepStrictEqual(actual[part], expected[part]))
    .map(
      (part) =>
        `${part}\n  expected: ${JSON.stringify(expected[part])}\n  found:    ${JSON.stringify(actual[part])}`,
    );
}
