import { invalidInput, notFound } from '../http/answers';
import type { TeamRecord } from '../state/records';

/**
 * A user on an escalation policy of *this* team cannot be removed, even if the user is only on a schedule of the policy.
 * Policies of other teams do not matter. The text is recorded from the live API.
 */
export function checkRemovable(team: TeamRecord, userId: string): void {
  // Clients treat a 404 for a user that is not a member as done. That PagerDuty does not send a 204 is an assumption.
  if (!team.members.has(userId)) throw notFound();
  for (const people of team.associations.values()) {
    if (people.has(userId)) {
      throw invalidInput('User cannot be removed as they belong to an escalation policy on this team');
    }
  }
}
