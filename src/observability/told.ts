/** Marks an error that is already in the log and that each caller still gets: `NestLog` skips it. */
export const ALREADY_LOGGED = Symbol('ALREADY_LOGGED');

/** Whether this error, or one of its causes, is marked. */
export function isAlreadyLogged(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (ALREADY_LOGGED in cause) return true;
  }
  return false;
}
