import { invalidInput, notFound } from '../http/answers';
import type { TeamRecord } from '../state/records';

/**
 * Someone on an escalation policy of *this* team cannot leave it, also if only through a schedule that the policy
 * uses; policies of other teams do not matter. The text is recorded from the live API.
 */
export function checkRemovable(team: TeamRecord, userId: string): void {
  // Clients treat 404 for somebody who is no member as done; that it is not a 204 is an assumption.
  if (!team.members.has(userId)) throw notFound();
  for (const people of team.associations.values()) {
    if (people.has(userId)) {
      throw invalidInput('User cannot be removed as they belong to an escalation policy on this team');
    }
  }
}
