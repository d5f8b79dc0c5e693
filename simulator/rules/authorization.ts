import { accessDenied, json, Refusal } from '../http/answers';
import type { Caller } from '../state/credentials';
import type { BaseRole, TeamRecord } from '../state/records';

/** Base roles that may only read. PagerDuty says "forbidden operation → 403"; that it refuses every write is an assumption. */
const READ_ONLY_ROLES: ReadonlySet<BaseRole> = new Set([
  'observer',
  'restricted_access',
  'read_only_user',
  'read_only_limited_user',
]);

/** A token keeps the scopes it was issued with. Keys have no scopes. */
export function checkScope(caller: Caller, scope: string | null): void {
  if (caller.kind !== 'app' || scope === null || caller.scopes.has(scope)) return;
  throw new Refusal(
    json(403, {
      error: {
        message: 'Token missing required scopes',
        required_scopes: scope,
        token_scopes: caller.scope,
      },
    }),
  );
}

/** Runs before any look-up, so a caller without write access cannot learn what exists (an assumption). */
export function checkMayWrite(caller: Caller): void {
  if (caller.kind === 'app') return;
  if (caller.readOnly) throw accessDenied();
  if (caller.kind === 'user') {
    const user = caller.account.users.get(caller.userId);
    if (!user || READ_ONLY_ROLES.has(user.role)) throw accessDenied();
  }
}

export function checkAbility(caller: Caller, ability: string | null): void {
  if (ability === null || caller.account.abilities.has(ability)) return;
  throw new Refusal(
    json(402, {
      error: {
        message: 'Required abilities are unavailable',
        code: 2014,
        errors: [`The ${ability} account ability is required to access ${ability}`],
        missing_abilities: ability,
      },
    }),
  );
}

/**
 * A user's key sees what that user sees: no private team of others. Such a team still holds its name, so a client can be
 * refused a name that it cannot find.
 */
export function maySee(caller: Caller, team: TeamRecord): boolean {
  if (caller.kind !== 'user' || team.defaultRole !== 'none' || team.members.has(caller.userId)) return true;
  const role = caller.account.users.get(caller.userId)?.role;
  return role === 'owner' || role === 'admin';
}
