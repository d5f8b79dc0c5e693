import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../admin-api/problem';
import { type Admin, mayAct } from '../tenants/authentication/admin';
import type { GuardPolicy } from './policies';

/** @throws Problem 403 */
export function assertMayDecide(admin: Admin, what: string): void {
  if (!mayAct(admin, 'owner')) throw Problem.forbidden(`Only a key with the role owner may change ${what}.`);
}

/**
 * @param former the guard without this change
 * @throws Problem 403
 */
export function assertMayGuard(admin: Admin, former: GuardPolicy, wanted: GuardPolicy): void {
  if (!isDeepStrictEqual(wanted, former)) assertMayDecide(admin, 'policies.guard');
}
