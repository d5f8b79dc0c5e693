import { invalidInput } from '../http/answers';
import { TEAM_ROLES, type BaseRole, type TeamRole } from '../state/records';

interface RoleRule {
  /** The role of a new member when the call names none. */
  readonly teamRole: TeamRole;
  /** A fixed base role allows no other team role. */
  readonly fixed: boolean;
  readonly stakeholder: boolean;
}

/** The team role for each base role, from PagerDuty's support page "Advanced Permissions". */
const RULES: Record<BaseRole, RoleRule> = {
  owner: { teamRole: 'manager', fixed: true, stakeholder: false },
  admin: { teamRole: 'manager', fixed: true, stakeholder: false },
  user: { teamRole: 'manager', fixed: false, stakeholder: false },
  limited_user: { teamRole: 'responder', fixed: false, stakeholder: false },
  observer: { teamRole: 'observer', fixed: false, stakeholder: false },
  restricted_access: { teamRole: 'observer', fixed: false, stakeholder: false },
  read_only_user: { teamRole: 'observer', fixed: true, stakeholder: true },
  read_only_limited_user: { teamRole: 'observer', fixed: true, stakeholder: true },
};

export function defaultTeamRole(baseRole: BaseRole): TeamRole {
  return RULES[baseRole].teamRole;
}

export function isStakeholder(baseRole: BaseRole): boolean {
  return RULES[baseRole].stakeholder;
}

/** The role in a `PUT /teams/{id}/users/{user_id}` body. The body is optional and not wrapped. */
export function readTeamRole(body: unknown): TeamRole | undefined {
  if (body === undefined) return undefined;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidInput('Body must be an object');
  }
  const role: unknown = (body as { role?: unknown }).role;
  if (role === undefined || role === null) return undefined;
  const known = TEAM_ROLES.find((candidate) => candidate === role);
  if (!known) throw invalidInput(`Role must be one of: ${TEAM_ROLES.join(', ')}`);
  return known;
}

/**
 * The role that the member gets. The spec says 400 for stakeholders. The docs say that fixed base roles allow no other
 * team role. Neither publishes the text, so these texts are ours.
 */
export function grantTeamRole(
  baseRole: BaseRole,
  asked: TeamRole | undefined,
  current: TeamRole | undefined,
): TeamRole {
  const rule = RULES[baseRole];
  if (rule.stakeholder) throw invalidInput('User is a stakeholder and cannot be added to a team');
  if (rule.fixed && asked !== undefined && asked !== rule.teamRole) {
    throw invalidInput(`Role ${asked} is not allowed for a user with the base role ${baseRole}`);
  }
  return asked ?? current ?? rule.teamRole;
}
