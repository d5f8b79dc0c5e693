import type { Simulator } from '../simulator/simulator';
import type { AdminClient, GroupStatus, MemberStatus } from './admin-client';

/** The final state in PagerDuty and in Scimify's admin API. */
export interface Outcome {
  /** Teams in PagerDuty. */
  readonly teams: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly members: readonly { readonly email: string; readonly name: string }[];
  }[];
  readonly groups: readonly { readonly status: GroupStatus; readonly missing: readonly MemberStatus[] }[];
  /** Names of the teams that Scimify created, in order. Refused attempts are left out. */
  readonly created: readonly string[];
  /** How many members Scimify removed from teams. */
  readonly removedMembers: number;
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
    removedMembers: simulator.calls({ method: 'DELETE', status: 204 }).length,
  };
}
