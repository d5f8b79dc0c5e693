import type { Simulator } from '../simulator/simulator';
import type { AdminClient, GroupStatus } from './admin-client';
import type { Narrator } from './narrator';
import type { OktaSession } from './okta-session';
import { waitUntil } from './wait-until';

/** Everything that a chapter needs. */
export interface Stage {
  readonly narrator: Narrator;
  readonly simulator: Simulator;
  readonly admin: AdminClient;
  readonly integrationId: string;
  readonly okta: OktaSession;
}

/** Waits until these groups have the expected numbers of members and only wait for an admin, and prints their states. */
export async function waitUntilSettled(
  { narrator, simulator, admin, integrationId }: Stage,
  /** By group name. */
  groups: Readonly<Record<string, readonly [applied: number, desired: number]>>,
): Promise<void> {
  let seen: GroupStatus[] = [];
  const milliseconds = await waitUntil(
    `the groups are in PagerDuty as ${JSON.stringify(groups)}`,
    async () => {
      seen = await admin.groups(integrationId);
      return Object.entries(groups).every(([name, [applied, desired]]) =>
        seen.some(
          (group) =>
            group.displayName === name &&
            (group.state === 'synced' || group.state === 'partial') &&
            group.appliedGeneration === group.generation &&
            group.members.applied === applied &&
            group.members.desired === desired,
        ),
      );
    },
    () => seen,
  );
  for (const [name, [applied, desired]] of Object.entries(groups)) {
    const state = seen.find((group) => group.displayName === name)?.state;
    narrator.done(
      `${name} is ${state}, ${applied} of ${desired} members are in the team: ${peopleIn(simulator, name).join(', ')}`,
    );
  }
  narrator.note(`${(milliseconds / 1000).toFixed(1)} s after the last request`);
}

/** Given names of the team's members in PagerDuty. */
export function peopleIn(simulator: Simulator, team: string): string[] {
  const members = simulator.team(team)?.members ?? [];
  return members.map(({ name }) => name.split(' ')[0]!).sort();
}
