import type { Simulator } from '../simulator/simulator';
import type { AdminClient, GroupStatus } from './admin-client';
import type { Narrator } from './narrator';
import type { OktaSession } from './okta-session';
import { waitUntil } from './wait-until';

/** Everything that a chapter is played with. */
export interface Stage {
  readonly narrator: Narrator;
  readonly simulator: Simulator;
  readonly admin: AdminClient;
  readonly integrationId: string;
  readonly okta: OktaSession;
}

/** Waits until these groups have nothing left to do that time alone would heal, and says how they stand. */
export async function settled(
  { narrator, simulator, admin, integrationId }: Stage,
  /** How many are in the team, of how many wanted. */
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
      `${name} is ${state}, ${applied} of ${desired} are in the team: ${peopleIn(simulator, name).join(', ')}`,
    );
  }
  narrator.note(`${(milliseconds / 1000).toFixed(1)} s after the last request`);
}

/** Given names of those who are in the team, as PagerDuty has it. */
export function peopleIn(simulator: Simulator, team: string): string[] {
  const members = simulator.team(team)?.members ?? [];
  return members.map(({ name }) => name.split(' ')[0]!).sort();
}
