import type { UserMatch } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import {
  EMAIL_DIFFERS,
  type LinkedBefore,
  PINNED_ADDRESS_CHANGED,
  type PlannedLink,
  type ShownLink,
  planLink,
  planShownAddress,
} from './link-plan';

const NOW = 1_000_000;
const MINUTE = 60_000;

const found: UserMatch = { kind: 'resolved', remoteUserId: 'P1' };
const nobody: UserMatch = { kind: 'not-found', message: 'nobody' };
const several: UserMatch = { kind: 'ambiguous', message: 'several' };
const refusal = { kind: 'rejected', outcome: 'not-applied', reason: 'request_refused' } as const;
const refused: UserMatch = {
  kind: 'refused',
  error: new ProviderError({ ...refusal, message: 'No.', remedy: 'Ask otherwise.' }),
};

const never: LinkedBefore = {
  incarnation: 1,
  linkedTo: null,
  emailKey: 'new@example.com',
  linkedEmailKey: null,
  linkedBelongsToAnother: false,
  linkIsUnused: false,
  linkedIncarnation: null,
  goneRemoteUserId: null,
  attempts: null,
};
const linked: LinkedBefore = {
  ...never,
  linkedTo: 'P0',
  linkedEmailKey: 'old@example.com',
  linkedIncarnation: 1,
  attempts: 0,
};
const missing: LinkedBefore = { ...never, linkedIncarnation: 1, attempts: 1 };
const gone: LinkedBefore = { ...missing, goneRemoteUserId: 'P1', attempts: 2 };
const recycled: LinkedBefore = { ...linked, incarnation: 2, attempts: 7 };

describe('the link of a user after a look-up', () => {
  it.each<[string, LinkedBefore, UserMatch, Partial<PlannedLink>]>([
    [
      'is the remote user that the target finds',
      never,
      found,
      { state: 'resolved', remoteUserId: 'P1', reason: null },
    ],
    ['changes to another remote user', linked, found, { state: 'resolved', remoteUserId: 'P1', attempts: 0 }],
    [
      'is a remote user that is gone but still found, and counts these look-ups',
      gone,
      found,
      { state: 'resolved', remoteUserId: 'P1', reason: null, attempts: 2, nextCheckAt: null },
    ],
    [
      'resets the count for another remote user',
      { ...gone, goneRemoteUserId: 'P0' },
      found,
      { remoteUserId: 'P1', attempts: 0 },
    ],
    [
      'stays if the new address finds none',
      linked,
      nobody,
      {
        state: 'resolved',
        remoteUserId: 'P0',
        reason: 'email_differs',
        attempts: 1,
        nextCheckAt: NOW + 5 * MINUTE,
      },
    ],
    [
      'stays if the new address finds several',
      linked,
      several,
      { state: 'resolved', remoteUserId: 'P0', reason: 'email_differs' },
    ],
    [
      'stays for an hour if the target refuses to look up the new address',
      linked,
      refused,
      {
        state: 'resolved',
        remoteUserId: 'P0',
        reason: 'email_differs',
        message: 'No. Ask otherwise.',
        nextCheckAt: NOW + 60 * MINUTE,
      },
    ],
    [
      'is unknown for an hour if the target refuses the look-up',
      never,
      refused,
      {
        state: 'unknown',
        remoteUserId: null,
        reason: 'request_refused',
        message: 'No. Ask otherwise.',
        nextCheckAt: NOW + 60 * MINUTE,
      },
    ],
    [
      'is unknown for six hours if the target refuses the look-up again',
      missing,
      refused,
      { state: 'unknown', remoteUserId: null, nextCheckAt: NOW + 360 * MINUTE },
    ],
    [
      'ends if the new address finds none and the remote user is now linked to another user',
      { ...linked, linkedBelongsToAnother: true },
      nobody,
      { state: 'not_found', remoteUserId: null, reason: 'user_not_found', nextCheckAt: NOW + 5 * MINUTE },
    ],
    [
      'ends if its own address finds none before a member was added for it',
      { ...linked, linkIsUnused: true },
      nobody,
      { state: 'not_found', remoteUserId: null, reason: 'user_not_found', nextCheckAt: NOW + 5 * MINUTE },
    ],
    [
      'stays if the target refuses the look-up, also before a member was added for it',
      { ...linked, linkIsUnused: true },
      refused,
      { state: 'resolved', remoteUserId: 'P0', reason: EMAIL_DIFFERS },
    ],
    [
      'changes to another remote user, also if the former one is now linked to another user',
      { ...linked, linkedBelongsToAnother: true },
      found,
      { state: 'resolved', remoteUserId: 'P1', reason: null },
    ],
    [
      'is none for five minutes if no remote user matches',
      never,
      nobody,
      {
        state: 'not_found',
        remoteUserId: null,
        reason: 'user_not_found',
        attempts: 1,
        nextCheckAt: NOW + 5 * MINUTE,
      },
    ],
    [
      'is none if several remote users match',
      never,
      several,
      { state: 'ambiguous', remoteUserId: null, reason: 'user_ambiguous' },
    ],
    [
      'is looked up less often the longer no remote user matches',
      missing,
      nobody,
      { attempts: 2, nextCheckAt: NOW + 30 * MINUTE },
    ],
    [
      'does not pass to another person under the same id',
      recycled,
      nobody,
      { state: 'not_found', remoteUserId: null, attempts: 1 },
    ],
  ])('%s', (_, user, match, expected) => {
    expect(planLink(user, match, NOW)).toMatchObject(expected);
  });

  it.each<[string, LinkedBefore, UserMatch, string | null]>([
    ['is the one that found the remote user', linked, found, 'new@example.com'],
    ['stays the former one while the new one finds none', linked, nobody, 'old@example.com'],
    [
      'is none when it no longer finds the remote user',
      { ...linked, emailKey: 'old@example.com' },
      nobody,
      null,
    ],
    ['is none without the former link', { ...linked, linkedBelongsToAnother: true }, nobody, null],
    ['is none without a link', never, nobody, null],
  ])('has an address by which it was made, which %s', (_, user, match, expected) => {
    expect(planLink(user, match, NOW).linkedEmailKey).toBe(expected);
  });
});

describe('the address that the target shows for a linked remote user', () => {
  const known = { attempts: 0, checkedAt: NOW - MINUTE };
  const link = { ...known, pinned: false, emailKey: 'a', linkedEmailKey: 'a', reason: null };
  const differing = { ...link, emailKey: 'new', reason: EMAIL_DIFFERS };
  const pinned = { ...link, pinned: true };
  const flagged = { ...pinned, reason: PINNED_ADDRESS_CHANGED };

  it.each<[string, ShownLink, string, string | undefined]>([
    ['has no effect if it made the link', link, 'a', undefined],
    ['causes a look-up if it differs', link, 'b', 'look-up'],
    ['has no effect on a link that no address made', { ...link, linkedEmailKey: null }, 'b', undefined],
    ['has no effect if it is still the former one', differing, 'a', undefined],
    ['causes a look-up if it is no longer the former one', differing, 'new', 'look-up'],
    [
      'causes a look-up if the former one no longer found the remote user',
      { ...differing, linkedEmailKey: null },
      'b',
      'look-up',
    ],
    [
      'has no effect if it is the looked-up address that finds several',
      { ...differing, linkedEmailKey: null },
      'new',
      undefined,
    ],
    ['is noted for a new pinned link', { ...pinned, linkedEmailKey: null }, 'b', 'note'],
    ['has no effect on a pinned link if it is the noted one', pinned, 'a', undefined],
    ['flags a pinned link if it differs', pinned, 'b', 'flag'],
    ['has no effect on a flagged link', flagged, 'c', undefined],
    ['clears the flag if it is the noted one again', flagged, 'a', 'clear'],
  ])('%s', (_, shownLink, shown, expected) => {
    expect(planShownAddress(shownLink, shown, NOW)?.kind).toBe(expected);
  });

  it('causes a look-up at once, except after a look-up that contradicted it', () => {
    expect(planShownAddress(link, 'b', NOW)).toMatchObject({ nextCheckAt: NOW });
    const flapping = { ...link, attempts: 1 };
    expect(planShownAddress(flapping, 'b', NOW)).toMatchObject({ nextCheckAt: NOW + 4 * MINUTE });
    expect(planShownAddress(flapping, 'b', NOW + 10 * MINUTE)).toMatchObject({
      nextCheckAt: NOW + 10 * MINUTE,
    });
  });

  it('is contradicted by a look-up that finds the same remote user by its former address', () => {
    const shown = { ...linked, emailKey: 'old@example.com', linkedEmailKey: 'b@example.com' };
    const same: UserMatch = { kind: 'resolved', remoteUserId: linked.linkedTo! };
    expect(planLink(shown, same, NOW)).toMatchObject({ reason: null, attempts: 1 });
    expect(planLink(shown, found, NOW)).toMatchObject({ reason: null, attempts: 0 });
  });
});
