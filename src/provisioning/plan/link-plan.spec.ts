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

describe('the link of a person after a look-up', () => {
  it.each<[string, LinkedBefore, UserMatch, Partial<PlannedLink>]>([
    ['is whom the target knows', never, found, { state: 'resolved', remoteUserId: 'P1', reason: null }],
    ['changes to another one', linked, found, { state: 'resolved', remoteUserId: 'P1', attempts: 0 }],
    [
      'is whom the target shows although they are gone, and counts on how often that was so',
      gone,
      found,
      { state: 'resolved', remoteUserId: 'P1', reason: null, attempts: 2, nextCheckAt: null },
    ],
    [
      'begins to count anew with somebody else',
      { ...gone, goneRemoteUserId: 'P0' },
      found,
      { remoteUserId: 'P1', attempts: 0 },
    ],
    [
      'stays where the new address is nobody’s',
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
      'stays where the new address is that of several',
      linked,
      several,
      { state: 'resolved', remoteUserId: 'P0', reason: 'email_differs' },
    ],
    [
      'stays where the target refuses to look for the new address, for an hour',
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
      'is not known where the target refuses to look, for an hour',
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
      'is not known where the target refuses to look again and again, for six hours',
      missing,
      refused,
      { state: 'unknown', remoteUserId: null, nextCheckAt: NOW + 360 * MINUTE },
    ],
    [
      'is undone where the new address is nobody’s and the person is another user’s by now',
      { ...linked, linkedBelongsToAnother: true },
      nobody,
      { state: 'not_found', remoteUserId: null, reason: 'user_not_found', nextCheckAt: NOW + 5 * MINUTE },
    ],
    [
      'is undone where its own address finds nobody any more before anybody was added for it',
      { ...linked, linkIsUnused: true },
      nobody,
      { state: 'not_found', remoteUserId: null, reason: 'user_not_found', nextCheckAt: NOW + 5 * MINUTE },
    ],
    [
      'stays where the target refuses to look, also before anybody was added for it',
      { ...linked, linkIsUnused: true },
      refused,
      { state: 'resolved', remoteUserId: 'P0', reason: EMAIL_DIFFERS },
    ],
    [
      'changes to another one also where the former one is another user’s by now',
      { ...linked, linkedBelongsToAnother: true },
      found,
      { state: 'resolved', remoteUserId: 'P1', reason: null },
    ],
    [
      'is none where nobody is there, for five minutes',
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
      'is none where several are there',
      never,
      several,
      { state: 'ambiguous', remoteUserId: null, reason: 'user_ambiguous' },
    ],
    [
      'is looked for less often the longer nobody is there',
      missing,
      nobody,
      { attempts: 2, nextCheckAt: NOW + 30 * MINUTE },
    ],
    [
      'does not go over to somebody else under the same id',
      recycled,
      nobody,
      { state: 'not_found', remoteUserId: null, attempts: 1 },
    ],
  ])('%s', (_, user, match, expected) => {
    expect(planLink(user, match, NOW)).toMatchObject(expected);
  });

  it.each<[string, LinkedBefore, UserMatch, string | null]>([
    ['is the one that found the person', linked, found, 'new@example.com'],
    ['stays the former one while the new one finds nobody', linked, nobody, 'old@example.com'],
    [
      'is none once it does not find the person itself',
      { ...linked, emailKey: 'old@example.com' },
      nobody,
      null,
    ],
    ['is none where the link is undone', { ...linked, linkedBelongsToAnother: true }, nobody, null],
    ['is none where there is no link', never, nobody, null],
  ])('has an address by which it was made, which %s', (_, user, match, expected) => {
    expect(planLink(user, match, NOW).linkedEmailKey).toBe(expected);
  });
});

describe('the address that the target shows of a linked person', () => {
  const known = { attempts: 0, checkedAt: NOW - MINUTE };
  const link = { ...known, pinned: false, emailKey: 'a', linkedEmailKey: 'a', reason: null };
  const differing = { ...link, emailKey: 'new', reason: EMAIL_DIFFERS };
  const pinned = { ...link, pinned: true };
  const flagged = { ...pinned, reason: PINNED_ADDRESS_CHANGED };

  it.each<[string, ShownLink, string, string | undefined]>([
    ['says nothing where it found them', link, 'a', undefined],
    ['has the user looked up afresh where it is another one', link, 'b', 'look-up'],
    [
      'says nothing where they were found by something else',
      { ...link, linkedEmailKey: null },
      'b',
      undefined,
    ],
    ['says nothing of a former address that is theirs still', differing, 'a', undefined],
    ['has the user looked up afresh once it is no longer the former one', differing, 'new', 'look-up'],
    [
      'counts where the former one found them no more',
      { ...differing, linkedEmailKey: null },
      'b',
      'look-up',
    ],
    [
      'says nothing where the very address looked up finds several',
      { ...differing, linkedEmailKey: null },
      'new',
      undefined,
    ],
    ['is noted of a pinned link at first', { ...pinned, linkedEmailKey: null }, 'b', 'note'],
    ['says nothing where it is that one', pinned, 'a', undefined],
    ['flags a pinned link where it is another one', pinned, 'b', 'flag'],
    ['says no more to a link that is flagged', flagged, 'c', undefined],
    ['clears it once it is that one again', flagged, 'a', 'clear'],
  ])('%s', (_, shownLink, shown, expected) => {
    expect(planShownAddress(shownLink, shown, NOW)?.kind).toBe(expected);
  });

  it('is asked about at once, but not where the last look-up has just contradicted what was shown', () => {
    expect(planShownAddress(link, 'b', NOW)).toMatchObject({ nextCheckAt: NOW });
    const flapping = { ...link, attempts: 1 };
    expect(planShownAddress(flapping, 'b', NOW)).toMatchObject({ nextCheckAt: NOW + 4 * MINUTE });
    expect(planShownAddress(flapping, 'b', NOW + 10 * MINUTE)).toMatchObject({
      nextCheckAt: NOW + 10 * MINUTE,
    });
  });

  it('was contradicted where the look-up finds that very person by the address that the target no longer shows', () => {
    const shown = { ...linked, emailKey: 'old@example.com', linkedEmailKey: 'b@example.com' };
    const same: UserMatch = { kind: 'resolved', remoteUserId: linked.linkedTo! };
    expect(planLink(shown, same, NOW)).toMatchObject({ reason: null, attempts: 1 });
    expect(planLink(shown, found, NOW)).toMatchObject({ reason: null, attempts: 0 });
  });
});
