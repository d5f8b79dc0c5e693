import type { UserMatch } from '../../integrations/provider/integration-provider';
import { type LinkedBefore, type PlannedLink, planLink } from './link-plan';

const NOW = 1_000_000;
const MINUTE = 60_000;

const found: UserMatch = { kind: 'resolved', remoteUserId: 'P1' };
const nobody: UserMatch = { kind: 'not-found', message: 'nobody' };
const several: UserMatch = { kind: 'ambiguous', message: 'several' };

const never: LinkedBefore = { incarnation: 1, linkedTo: null, linkedIncarnation: null, attempts: null };
const linked: LinkedBefore = { incarnation: 1, linkedTo: 'P0', linkedIncarnation: 1, attempts: 0 };
const missing: LinkedBefore = { incarnation: 1, linkedTo: null, linkedIncarnation: 1, attempts: 1 };
const recycled: LinkedBefore = { ...linked, incarnation: 2, attempts: 7 };

describe('the link of a person after a look-up', () => {
  it.each<[string, LinkedBefore, UserMatch, Partial<PlannedLink>]>([
    ['is whom the target knows', never, found, { state: 'resolved', remoteUserId: 'P1', reason: null }],
    ['changes to another one', linked, found, { state: 'resolved', remoteUserId: 'P1', attempts: 0 }],
    [
      'stays where the new address is nobody’s',
      linked,
      nobody,
      { state: 'resolved', remoteUserId: 'P0', reason: 'email_differs', nextCheckAt: null },
    ],
    [
      'stays where the new address is that of several',
      linked,
      several,
      { state: 'resolved', remoteUserId: 'P0', reason: 'email_differs' },
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
});
