import type { UserMatch } from '../../integrations/provider/integration-provider';
import type { RemoteUserState } from '../state/remote-user.entity';
import { lookUpDelay, refusalDelay } from './backoff';

/** An IdP user, and whom the target took them for so far. */
export interface LinkedBefore {
  incarnation: number;
  linkedTo: string | null;
  /** The folded address that the IdP gives the user now. */
  emailKey: string | null;
  /** The one by which the linked person was found; null where an admin said who it is, or it stopped finding them. */
  linkedEmailKey: string | null;
  /** Another active IdP user has the address by which the linked person was found, or is linked to them by their own. */
  linkedIsAnothers: boolean;
  /** `incarnation` as it was when the link was made; null where there was no look-up yet. */
  linkedIncarnation: number | null;
  /** Whom the target no longer had when a call was made for the user. */
  goneRemoteUserId: string | null;
  /** Look-ups in a row that did not find one person. */
  attempts: number | null;
}

/** The link is older than the address that the IdP gives the user now. */
export const EMAIL_DIFFERS = 'email_differs';

/** What is to be remembered of a look-up. */
export interface PlannedLink {
  state: RemoteUserState;
  remoteUserId: string | null;
  /** By which address this person was found; null where that proves nothing (any more). */
  linkedEmailKey: string | null;
  reason: string | null;
  message: string | null;
  attempts: number;
  /** Epoch milliseconds; null for whom the look-up found. */
  nextCheckAt: number | null;
}

/**
 * Whom of the target an IdP user is, after a look-up. Pure.
 *
 * | the target knows     | linked before, as the same person | then                                       |
 * | -------------------- | --------------------------------- | ------------------------------------------ |
 * | one                  | any                               | that one; the look-up counts as one that   |
 * |                      |                                   | found nobody where calls had just shown    |
 * |                      |                                   | that they are gone                         |
 * | nobody, or several   | yes                               | the link stays, flagged, and is looked up  |
 * |                      |                                   | again later: an address that was changed   |
 * |                      |                                   | in the IdP first must not drop anybody     |
 * |                      |                                   | from on-call                               |
 * | nobody, or several   | yes, but that person is another   | nobody, and looked up again later: the     |
 * |                      | user's by now                     | person answers for the other user alone    |
 * | nobody, or several   | no                                | nobody, and looked up again later          |
 *
 * A target that refuses to look for the person knows nobody, for as long as a refusal lasts.
 */
export function planLink(user: LinkedBefore, match: UserMatch, now: number): PlannedLink {
  const linkedTo = user.linkedIsAnothers ? null : linkThatStays(user);
  if (match.kind === 'resolved') {
    const { remoteUserId } = match;
    const attempts = remoteUserId === user.goneRemoteUserId ? (user.attempts ?? 0) : 0;
    const linkedEmailKey = user.emailKey;
    const nothingWrong = { reason: null, message: null, nextCheckAt: null };
    return { state: 'resolved', remoteUserId, linkedEmailKey, attempts, ...nothingWrong };
  }
  const samePerson = user.linkedIncarnation === user.incarnation;
  const attempts = (samePerson ? (user.attempts ?? 0) : 0) + 1;
  const { state, reason, message, delay } = problemOf(match);
  return {
    state: linkedTo !== null ? 'resolved' : state,
    remoteUserId: linkedTo,
    linkedEmailKey: linkedTo !== null && user.linkedEmailKey !== user.emailKey ? user.linkedEmailKey : null,
    reason: linkedTo !== null ? EMAIL_DIFFERS : reason,
    message,
    attempts,
    nextCheckAt: now + delay(attempts),
  };
}

function problemOf(match: Exclude<UserMatch, { kind: 'resolved' }>) {
  switch (match.kind) {
    case 'not-found':
      return {
        state: 'not_found',
        reason: 'user_not_found',
        message: match.message,
        delay: lookUpDelay,
      } as const;
    case 'ambiguous':
      return {
        state: 'ambiguous',
        reason: 'user_ambiguous',
        message: match.message,
        delay: lookUpDelay,
      } as const;
    case 'refused': {
      const { reason, explanation: message } = match.error;
      return { state: 'unknown', reason, message, delay: refusalDelay } as const;
    }
  }
}

/** The link that holds for as long as no look-up says otherwise. */
export function linkThatStays(user: LinkedBefore): string | null {
  return user.linkedIncarnation === user.incarnation ? user.linkedTo : null;
}
