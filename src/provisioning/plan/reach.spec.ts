import {
  ADDITION_NOT_FOUND,
  CHANGE_NOT_FOUND,
  GROUP_FULL,
  GROUP_GONE,
  GROUP_NOT_VISIBLE_YET,
  ProviderError,
  type ProviderErrorKind,
  ROLE_REFUSED,
  USER_GONE,
} from '../../integrations/provider/provider-error';
import { CREATION_UNCONFIRMED } from './new-group';
import { type Reach, reachOf } from './reach';

const PASSING: readonly ProviderErrorKind[] = ['rate-limited', 'unavailable'];
const LASTING: readonly ProviderErrorKind[] = [
  'credentials',
  'permission',
  'not-found',
  'conflict',
  'rejected',
];
const ANY_KIND = [...PASSING, ...LASTING];
const NOT_SHOWN = [GROUP_GONE, GROUP_NOT_VISIBLE_YET, CREATION_UNCONFIRMED];
const ANY_OTHER = [
  USER_GONE,
  ADDITION_NOT_FOUND,
  CHANGE_NOT_FOUND,
  GROUP_FULL,
  ROLE_REFUSED,
  'of_a_provider',
];

describe('what a failure concerns', () => {
  it.each<[boolean, readonly string[], readonly ProviderErrorKind[], Reach]>([
    [true, [...NOT_SHOWN, ...ANY_OTHER], ANY_KIND, 'account'],
    [false, NOT_SHOWN, ANY_KIND, 'group'],
    [false, ANY_OTHER, PASSING, 'call'],
    [false, ANY_OTHER, LASTING, 'object'],
  ])('account-wide: %s, reason: %j, kind: %j: %s', (accountWide, reasons, kinds, expected) => {
    for (const outcome of ['not-applied', 'unknown'] as const) {
      for (const reason of reasons) {
        for (const kind of kinds) {
          const fields = { kind, outcome, reason, accountWide, message: 'No.', remedy: 'Ask otherwise.' };
          expect(reachOf(new ProviderError(fields))).toBe(expected);
        }
      }
    }
  });

  it('is nothing of the target if the error is our own', () => {
    expect(reachOf(new Error('The database is locked.'))).toBeNull();
  });
});
