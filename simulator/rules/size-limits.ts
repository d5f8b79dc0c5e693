import { refusal } from '../http/answers';
import type { AccountLimits, TeamRecord, UserRecord } from '../state/records';

/** PagerDuty's published limits. Only the Professional plan limits the number of teams. */
export const PUBLISHED_LIMITS: AccountLimits = {
  membersPerTeam: 500,
  teamsPerUser: 400,
  teams: Number.MAX_SAFE_INTEGER,
};

/** PagerDuty's code table lists 2019 for this. That a full team gets it, with status 400, is an assumption. */
function limitReached(error: string): never {
  throw refusal(400, 'Product Limit Reached', 2019, [error]);
}

export function checkRoomForMember(limits: AccountLimits, team: TeamRecord, user: UserRecord): void {
  if (team.members.size >= limits.membersPerTeam) {
    limitReached(`Team cannot have more than ${limits.membersPerTeam} users`);
  }
  if (user.teamIds.size >= limits.teamsPerUser) {
    limitReached(`User cannot be on more than ${limits.teamsPerUser} teams`);
  }
}

export function checkRoomForTeam(limits: AccountLimits, teams: number): void {
  if (teams >= limits.teams) limitReached(`Account cannot have more than ${limits.teams} teams`);
}
