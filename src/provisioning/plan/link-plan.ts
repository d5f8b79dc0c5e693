import { fold } from '../../directory/fold';
import type { UserMatch } from '../../integrations/provider/integration-provider';
import type { RemoteUserState } from '../state/remote-user.entity';
import { lookUpDelay, refusalDelay } from './backoff';

/** An IdP user and its link so far. */
export interface LinkedBefore {
  incarnation: number;
  linkedTo: string | null;
  /** The folded address that the user has in the IdP now. */
  emailKey: string | null;
  /**
   * The folded address that found the linked remote user; null if an admin set the link, or if the address no
   * longer finds the remote user.
   */
  linkedEmailKey: string | null;
  /**
   * Another active IdP user has the address that found the linked remote user, or is linked to that remote user by
   * its own.
   */
  linkedBelongsToAnother: boolean;
  /**
   * The engine has not added a member for this link yet, and the address that found the remote user is the one
   * looked up now.
   */
  linkIsUnused: boolean;
  /** `incarnation` at the time of the link; null before the first look-up. */
  linkedIncarnation: number | null;
  /** The remote user that was gone when the engine made a call for the user. */
  goneRemoteUserId: string | null;
  /** Look-ups in a row that did not find exactly one remote user. */
  attempts: number | null;
}

/**
 * The maximum age of an answer that makes a link. An account of 10,000 users takes a scan of 100 calls, and
 * PagerDuty accepts 480 calls in this time.
 */
export const OLDEST_ANSWER_MS = 30_000;

/** The link was made with an address that has changed since, in the IdP or in the target. */
export const EMAIL_DIFFERS = 'email_differs';
/** An admin set the link, and the remote user has another address in the target since then. */
export const PINNED_ADDRESS_CHANGED = 'pinned_address_changed';

/** What to record of a look-up. */
export interface PlannedLink {
  state: RemoteUserState;
  remoteUserId: string | null;
  /** The address that found this remote user; null if it proves nothing (any more). */
  linkedEmailKey: string | null;
  reason: string | null;
  message: string | null;
  attempts: number;
  /** Epoch milliseconds; null if the look-up found the user. */
  nextCheckAt: number | null;
}

/**
 * Which remote user an IdP user is linked to after a look-up. Pure.
 *
 * | remote users found | linked before, as the same person | then                                              |
 * | ------------------ | --------------------------------- | ------------------------------------------------- |
 * | one                | any                               | linked to it; if calls have just shown that it is |
 * |                    |                                   | gone, the look-up counts as "not found"           |
 * | none, or several   | yes                               | the link stays, is flagged, and is looked up      |
 * |                    |                                   | again later: an address that changes first in the |
 * |                    |                                   | IdP must not take a user off on-call duty         |
 * | none, or several   | yes, but the remote user is       | no link, look up again later: the remote user     |
 * |                    | another user's now                | stands for the other user alone                   |
 * | none, or several   | yes, but no member was added for  | no link, look up again later: no user drops off   |
 * |                    | it, and it was found by the same  | on-call duty                                      |
 * |                    | address                           |                                                   |
 * | none, or several   | no                                | no link, look up again later                      |
 *
 * A target that refuses the look-up counts as "none", with the delay of a refusal.
 */
export function planLink(user: LinkedBefore, match: UserMatch, now: number): PlannedLink {
  const isRefuted = user.linkIsUnused && match.kind !== 'refused';
  const linkedTo = user.linkedBelongsToAnother || isRefuted ? null : linkThatStays(user);
  if (match.kind === 'resolved') {
    const { remoteUserId } = match;
    const attempts =
      remoteUserId === user.goneRemoteUserId ? (user.attempts ?? 0) : contradictions(user, match);
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

/**
 * The target showed the remote user with another address and still finds it by this one: its reads may lag each
 * other. So the next look-up for the address that it shows comes later.
 */
function contradictions(user: LinkedBefore, { remoteUserId }: { remoteUserId: string }): number {
  const { linkedEmailKey, emailKey } = user;
  return remoteUserId === linkThatStays(user) && linkedEmailKey !== null && linkedEmailKey !== emailKey
    ? 1
    : 0;
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

/** The link that stays valid until a look-up says otherwise. */
export function linkThatStays(user: LinkedBefore): string | null {
  return user.linkedIncarnation === user.incarnation ? user.linkedTo : null;
}

/** An address of the target in the form in which links compare addresses. */
export function addressKey(address: string): string {
  return fold(address.trim());
}

/** A link whose remote user appeared in some answer of the target. */
export interface ShownLink {
  pinned: boolean;
  /** The folded address that was looked up. */
  emailKey: string | null;
  linkedEmailKey: string | null;
  reason: string | null;
  /** Look-ups in a row that contradicted what the target had shown; only if there is no reason. */
  attempts: number;
  /** The time of the last look-up; epoch milliseconds. */
  checkedAt: number;
}

/** What to record: the address that the remote user has now, and what follows. */
export type ShownAddressPlan =
  | { kind: 'look-up'; nextCheckAt: number; message: string }
  | { kind: 'note' }
  | { kind: 'flag'; reason: typeof PINNED_ADDRESS_CHANGED; message: string }
  | { kind: 'clear' };

/**
 * What follows from the address that the target shows for a linked remote user. Pure.
 *
 * | link                           | shown address           | then                                         |
 * | ------------------------------ | ----------------------- | -------------------------------------------- |
 * | found by an address            | that one                | nothing                                      |
 * | found by an address            | another one             | looked up again, by `planLink`               |
 * | its address no longer finds it | another one             | looked up again                              |
 * | found without an address       | any                     | nothing                                      |
 * | pinned                         | one, for the first time | noted                                        |
 * | pinned                         | the noted one           | flag removed                                 |
 * | pinned                         | another one             | flagged: only an admin can tell who is meant |
 *
 * The look-up is due at once, except when the last one contradicted what the target had shown.
 *
 * @param shown the folded address
 */
export function planShownAddress(link: ShownLink, shown: string, now: number): ShownAddressPlan | null {
  const { pinned, linkedEmailKey, reason } = link;
  if (pinned) {
    if (linkedEmailKey === null) return { kind: 'note' };
    const isFlagged = reason === PINNED_ADDRESS_CHANGED;
    if (shown === linkedEmailKey) return isFlagged ? { kind: 'clear' } : null;
    if (isFlagged) return null;
    const message = pinnedAddressChanged(linkedEmailKey, shown);
    return { kind: 'flag', reason: PINNED_ADDRESS_CHANGED, message };
  }
  const stale = linkedEmailKey ?? (reason === EMAIL_DIFFERS ? link.emailKey : shown);
  if (stale === shown) return null;
  const isDoubtful = reason === null && link.attempts > 0;
  const nextCheckAt = isDoubtful ? Math.max(now, link.checkedAt + lookUpDelay(link.attempts)) : now;
  return { kind: 'look-up', nextCheckAt, message: lookedUpAfresh(stale, shown) };
}

function lookedUpAfresh(before: string | null, now: string): string {
  const former = before === null ? '' : ` instead of ${before}`;
  return `The person now has the address ${now} in the target${former}. Scimify looks up the user again.`;
}

function pinnedAddressChanged(before: string, now: string): string {
  return (
    `An admin linked this user to a person with the address ${before} in the target, which is now ${now}. ` +
    'Check who is meant. Set the remote link again, or remove it.'
  );
}
