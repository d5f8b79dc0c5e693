import { LEFT_ALONE } from './cast';
import type { Narrator } from './narrator';
import type { Outcome } from './outcome';

const NAME = 24;
const STATE = 10;

/** Prints the teams in PagerDuty, and each group with its missing members and the reasons. */
export function report(narrator: Narrator, outcome: Outcome): void {
  narrator.heading('Teams in PagerDuty');
  for (const { name, members } of outcome.teams) {
    const people = members.map((member) => member.name).join(', ') || 'no members';
    narrator.row([
      [name, NAME],
      [name === LEFT_ALONE.name ? `${people}  (created manually, not changed by Scimify)` : people, 0],
    ]);
  }

  narrator.heading('Groups in Scimify');
  for (const { status, missing } of outcome.groups) {
    const { desired, applied } = status.members;
    narrator.row([
      [status.displayName, NAME],
      [status.state, STATE],
      [`${applied} of ${desired} in the team`, 0],
    ]);
    for (const { userName, state, reason, message, nextAttemptAt } of missing) {
      narrator.row([
        ['', NAME],
        [state, STATE],
        [`${userName}: ${message ?? reason ?? 'no reason given'}`, 0],
      ]);
      if (nextAttemptAt !== null) {
        narrator.row([
          ['', NAME],
          ['', STATE],
          [`${reason ?? ''}, next attempt at ${nextAttemptAt}`, 0],
        ]);
      }
    }
  }
}
