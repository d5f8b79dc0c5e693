import { fold } from '../../directory/fold';
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
  linkedBelongsToAnother: boolean;
  /** Nobody was added to a team for the link yet, and the address that found the person is the one that is looked up. */
  linkIsUnused: boolean;
  /** `incarnation` as it was when the link was made; null where there was no look-up yet. */
  linkedIncarnation: number | null;
  /** Whom the target no longer had when a call was made for the user. */
  goneRemoteUserId: string | null;
  /** Look-ups in a row that did not find one person. */
  attempts: number | null;
}

/**
 * So old may the answer be by which a link is made. Of an account of 10,000 users that is a scan of 100 calls for each 480
 * calls that PagerDuty takes in this time.
 */
export const OLDEST_ANSWER_MS = 30_000;

/** The link is older than the address that the IdP gives the user, or that the target gives the person, now. */
export const EMAIL_DIFFERS = 'email_differs';
/** An admin said who it is, and that person has had another address in the target since. */
export const PINNED_ADDRESS_CHANGED = 'pinned_address_changed';

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
 * | nobody, or several   | yes, but nobody was added for the | nobody, and looked up again later: no one  |
 * |                      | link, and its address found them  | drops from on-call                         |
 * | nobody, or several   | no                                | nobody, and looked up again later          |
 *
 * A target that refuses to look for the person knows nobody, for as long as a refusal lasts.
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
 * The target showed its person with another address, and yet finds them by this one: its reads may lag each other. What it
 * shows next is asked about less soon.
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

/** The link that holds for as long as no look-up says otherwise. */
export function linkThatStays(user: LinkedBefore): string | null {
  return user.linkedIncarnation === user.incarnation ? user.linkedTo : null;
}

/** An address of the target, as those of links are compared. */
export function addressKey(address: string): string {
  return fold(address.trim());
}

/** A link, as the target shows its person in passing. */
export interface ShownLink {
  pinned: boolean;
  /** The folded address that was looked up. */
  emailKey: string | null;
  linkedEmailKey: string | null;
  reason: string | null;
  /** Look-ups that contradicted what had been shown, where nothing is wrong. */
  attempts: number;
  /** When it was looked up last; epoch milliseconds. */
  checkedAt: number;
}

/** What is to be remembered of it: the address that the person has now, and what follows. */
export type ShownAddressPlan =
  | { kind: 'look-up'; nextCheckAt: number; message: string }
  | { kind: 'note' }
  | { kind: 'flag'; reason: typeof PINNED_ADDRESS_CHANGED; message: string }
  | { kind: 'clear' };

/**
 * What follows from the address that the target shows of a linked person. Pure.
 *
 * | link                       | shown with                                  | then                                        |
 * | -------------------------- | ------------------------------------------- | ------------------------------------------- |
 * | found by an address        | that one                                    | nothing                                     |
 * | found by an address        | another one                                 | looked up afresh, by `planLink`             |
 * | that address finds nobody  | another one than that                       | looked up afresh                            |
 * | found by something else    | any                                         | nothing                                     |
 * | pinned                     | one, for the first time                     | noted                                       |
 * | pinned                     | the one that was noted                      | no longer flagged                           |
 * | pinned                     | another one                                 | flagged: only an admin knows who is meant   |
 *
 * The look-up comes at once, but for a link whose last one contradicted what had been shown.
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
  return `The person has the address ${now} in the target now${former}, so the user is looked up afresh.`;
}

function pinnedAddressChanged(before: string, now: string): string {
  return (
    `The person whom an admin named had the address ${before} in the target then and has ${now} now. ` +
    'Look who is meant, and set the remote link again or undo it.'
  );
}
