import type { PagerDutyEndpoints } from './pagerduty-endpoints';

/** Injection token of `PagerDutyOptions`. Without it the defaults apply. */
export const PAGERDUTY_OPTIONS = Symbol('PAGERDUTY_OPTIONS');

/** PagerDuty asks for one call at a time. A few at once keep a first push from taking hours. */
export const DEFAULT_PARALLEL_CALLS = 4;

/** Settings of the operator. */
export interface PagerDutyOptions extends PagerDutyEndpoints {
  /** Calls in flight at once for one credential. */
  parallelCalls?: number;
}
