/**
 * A problem that stops a program and that an operator can fix. The message names the variable or the file, and the
 * fix.
 */
export abstract class OperatorError extends Error {}
