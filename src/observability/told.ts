/** Marks an error that its owner has told the log once already, and that every caller meets anew: `NestLog` leaves it out. */
export const TOLD = Symbol('TOLD');

/** Whether this error, or what caused it, is marked. */
export function isTold(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (TOLD in cause) return true;
  }
  return false;
}
