import type { PagerDutyEndpoints } from './pagerduty-endpoints';

/** Injection token of `PagerDutyOptions`; without it everything is as PagerDuty has it, or asks for. */
export const PAGERDUTY_OPTIONS = Symbol('PAGERDUTY_OPTIONS');

/** What an operator may decide. */
export interface PagerDutyOptions extends PagerDutyEndpoints {
  /** Calls in flight at once for one credential. */
  parallelCalls?: number;
}
