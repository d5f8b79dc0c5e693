/** What keeps a program from running and an operator can mend. The message names the variable or the file, and the remedy. */
export abstract class OperatorError extends Error {}
