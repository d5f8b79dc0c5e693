import type { TransactionOptions } from '../../database/transaction-runner';

/** A write that has waited so long is refused with 429, which the IdP repeats, rather than answered after its time-out. */
export const WRITE_OPTIONS: TransactionOptions = { maxWaitMs: 5_000 };
