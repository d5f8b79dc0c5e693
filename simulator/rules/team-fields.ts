import { accessDenied, invalidInput } from '../http/answers';
import { DEFAULT_ROLES, type DefaultRole } from '../state/records';
import { storedName } from './names';

const NAME_LENGTH = 100;
const DESCRIPTION_LENGTH = 1024;

/** The fields to change. An absent field stays as it is. */
export interface TeamFields {
  readonly name?: string;
  readonly description?: string | null;
  readonly defaultRole?: DefaultRole;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The `{"team": {…}}` of POST and PUT. Unknown and read-only fields are ignored, as PagerDuty's docs say.
 *
 * @param unwrappedIsForbidden true for a Responder's key: it gets 403/2010 for an unwrapped body, other keys get 400
 */
export function readTeamFields(
  body: unknown,
  { creating, unwrappedIsForbidden }: { creating: boolean; unwrappedIsForbidden: boolean },
): TeamFields {
  const team = isObject(body) ? body.team : undefined;
  if (!isObject(team)) {
    throw unwrappedIsForbidden ? accessDenied() : invalidInput('Team must be an object');
  }
  const errors: string[] = [];
  if (team.type !== 'team') errors.push('Type must be team');

  let name: string | undefined;
  if (team.name !== undefined || creating) {
    if (typeof team.name !== 'string' || storedName(team.name) === '') {
      errors.push("Name can't be blank");
    } else {
      name = storedName(team.name);
      if ([...name].length > NAME_LENGTH) {
        errors.push(`Name is too long (maximum is ${NAME_LENGTH} characters)`);
      }
    }
  }

  let description: string | null | undefined;
  if (team.description === null || typeof team.description === 'string') {
    description = team.description;
    if (description !== null && [...description].length > DESCRIPTION_LENGTH) {
      errors.push(`Description is too long (maximum is ${DESCRIPTION_LENGTH} characters)`);
    }
  } else if (team.description !== undefined) {
    errors.push('Description must be a String.');
  }

  let defaultRole: DefaultRole | undefined;
  if (team.default_role !== undefined) {
    defaultRole = DEFAULT_ROLES.find((role) => role === team.default_role);
    if (!defaultRole) errors.push(`Default role must be one of: ${DEFAULT_ROLES.join(', ')}`);
  }

  if (errors.length > 0) throw invalidInput(...errors);
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(defaultRole === undefined ? {} : { defaultRole }),
  };
}

/** Same text as for users and services: PagerDuty does not publish the text for teams. */
export function refuseTakenName(): never {
  throw invalidInput('Name has already been taken');
}
