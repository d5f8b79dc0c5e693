import type { PagerDutyEndpoints } from './pagerduty-endpoints';

/** Injection token of `PagerDutyOptions`; without it everything is as PagerDuty has it, or asks for. */
export const PAGERDUTY_OPTIONS = Symbol('PAGERDUTY_OPTIONS');

/** PagerDuty asks for one at a time; a few keep a first push from taking hours. */
export const DEFAULT_PARALLEL_CALLS = 4;

/** What an operator may decide. */
export interface PagerDutyOptions extends PagerDutyEndpoints {
  /** Calls in flight at once for one credential. */
  parallelCalls?: number;
}
