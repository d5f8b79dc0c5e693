import type { UserMatch } from '../../integrations/provider/integration-provider';
import type { RemoteUserState } from '../state/remote-user.entity';
import { lookUpDelay } from './backoff';

/** An IdP user, and whom the target took them for so far. */
export interface LinkedBefore {
  incarnation: number;
  linkedTo: string | null;
  /** `incarnation` as it was when the link was made; null where there was no look-up yet. */
  linkedIncarnation: number | null;
  /** Look-ups in a row that found nobody. */
  attempts: number | null;
}

/** What is to be remembered of a look-up. */
export interface PlannedLink {
  state: RemoteUserState;
  remoteUserId: string | null;
  reason: string | null;
  message: string | null;
  attempts: number;
  /** Epoch milliseconds; null for whom no look-up is due. */
  nextCheckAt: number | null;
}

/**
 * Whom of the target an IdP user is, after a look-up. Pure.
 *
 * | the target knows     | linked before, as the same person | then                                       |
 * | -------------------- | --------------------------------- | ------------------------------------------ |
 * | one                  | any                               | that one                                   |
 * | nobody, or several   | yes                               | the link stays, flagged: an address that   |
 * |                      |                                   | was changed in the IdP first must not drop |
 * |                      |                                   | anybody from on-call                       |
 * | nobody, or several   | no                                | nobody, and looked up again later          |
 */
export function planLink(user: LinkedBefore, match: UserMatch, now: number): PlannedLink {
  const linkedTo = linkThatStays(user);
  const remoteUserId = match.kind === 'resolved' ? match.remoteUserId : linkedTo;
  const problem = match.kind === 'resolved' ? null : problemOf(match, linkedTo !== null);
  const reason = problem?.reason ?? null;
  const message = problem?.message ?? null;
  if (remoteUserId !== null) {
    return { state: 'resolved', remoteUserId, reason, message, attempts: 0, nextCheckAt: null };
  }
  const samePerson = user.linkedIncarnation === user.incarnation;
  const attempts = (samePerson ? (user.attempts ?? 0) : 0) + 1;
  const state = match.kind === 'ambiguous' ? 'ambiguous' : 'not_found';
  return { state, remoteUserId, reason, message, attempts, nextCheckAt: now + lookUpDelay(attempts) };
}

/** The link that holds for as long as no look-up shows another one. */
export function linkThatStays(user: LinkedBefore): string | null {
  return user.linkedIncarnation === user.incarnation ? user.linkedTo : null;
}

function problemOf(match: Exclude<UserMatch, { kind: 'resolved' }>, linked: boolean) {
  if (linked) return { reason: 'email_differs', message: match.message };
  return {
    reason: match.kind === 'ambiguous' ? 'user_ambiguous' : 'user_not_found',
    message: match.message,
  };
}
