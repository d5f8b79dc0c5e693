import type { Simulator } from '../simulator/simulator';
import type { AdminClient, GroupStatus, MemberStatus } from './admin-client';

/** How everything stands at the end: in PagerDuty, and as Scimify says it. */
export interface Outcome {
  /** Of teams, as PagerDuty has them. */
  readonly teams: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly members: readonly { readonly email: string; readonly name: string }[];
  }[];
  readonly groups: readonly { readonly status: GroupStatus; readonly missing: readonly MemberStatus[] }[];
  /** Names of the teams that Scimify asked PagerDuty to create, in order, refused attempts left out. */
  readonly created: readonly string[];
  /** How many members Scimify took out of teams. */
  readonly takenOut: number;
}

export async function readOutcome(
  simulator: Simulator,
  admin: AdminClient,
  integrationId: string,
): Promise<Outcome> {
  const groups = await admin.groups(integrationId);
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name, 'en');
  return {
    teams: simulator
      .teams()
      .map(({ name, description, members }) => ({ name, description, members: [...members].sort(byName) }))
      .sort(byName),
    groups: await Promise.all(
      groups
        .toSorted((a, b) => a.displayName.localeCompare(b.displayName, 'en'))
        .map(async (status) => ({
          status,
          missing: await admin.members(integrationId, status.id, 'pending'),
        })),
    ),
    created: simulator
      .calls({ method: 'POST', path: '/teams', status: 201 })
      .map(({ requestBody }) => (requestBody as { team: { name: string } }).team.name),
    takenOut: simulator.calls({ method: 'DELETE', status: 204 }).length,
  };
}
