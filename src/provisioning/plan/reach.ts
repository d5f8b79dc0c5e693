import { GROUP_GONE, GROUP_NOT_VISIBLE_YET, ProviderError } from '../../integrations/provider/provider-error';
import { CREATION_UNCONFIRMED } from './new-group';

/** What a failure concerns. */
export type Reach =
  /** All calls of the account. */
  | 'account'
  /** All calls for the remote group: the target does not show it. */
  | 'group'
  /** The user or group that the call names: the target refuses the call until a person acts. */
  | 'object'
  /** Perhaps only this call: the next one may succeed. */
  | 'call';

const NOT_SHOWN: ReadonlySet<string> = new Set([GROUP_GONE, GROUP_NOT_VISIBLE_YET, CREATION_UNCONFIRMED]);

/**
 * What a failure of a call concerns. Pure.
 *
 * | accountWide | reason                                           | kind                      | reach   |
 * | ----------- | ------------------------------------------------ | ------------------------- | ------- |
 * | yes         | any                                              | any                       | account |
 * | no          | team_gone, not_visible_yet, creation_unconfirmed | any                       | group   |
 * | no          | any other                                        | rate-limited, unavailable | call    |
 * | no          | any other                                        | any other                 | object  |
 *
 * @returns null for an error that does not come from the target
 */
export function reachOf(error: unknown): Reach | null {
  if (!(error instanceof ProviderError)) return null;
  if (error.accountWide) return 'account';
  if (NOT_SHOWN.has(error.reason)) return 'group';
  return error.isTransient ? 'call' : 'object';
}
