import { refusal } from '../http/answers';
import type { TeamRecord } from '../state/records';

/**
 * A team with escalation policies, services, schedules or subteams cannot be deleted. Members do not matter. Two texts are
 * recorded (2021, 2019). One kind of association gets the newer text, several get the older, so a client sees both.
 */
export function checkDeletable(team: TeamRecord): void {
  const kinds = [...team.associations.keys()];
  if (kinds.length === 0) return;
  const error =
    kinds.length === 1
      ? `Cannot delete team with existing ${kinds[0]} association(s)`
      : 'Cannot delete team with existing associations; associations could be Escalation Policies, Services, Schedules or Subteams';
  throw refusal(400, 'Team has existing associations', 6006, [error]);
}

/** PagerDuty documents the codes 6002 and 6003 for a bad `reassignment_team`. The status is an assumption. */
export function checkReassignment(team: TeamRecord, target: string | null, exists: boolean): void {
  if (target === null) return;
  if (target === team.id) throw refusal(400, 'Reassignment Team Invalid', 6002);
  if (!exists) throw refusal(400, 'Reassignment Team Not Found', 6003);
}
