/** JSON that a parser would take, and we do not; `tooLarge` is past a bound on size that its sentence names. */
export class JsonRefusedError extends Error {
  constructor(
    readonly reason: 'invalidSyntax' | 'invalidValue' | 'tooLarge',
    message: string,
  ) {
    super(message);
    this.name = 'JsonRefusedError';
  }

  static noJson(): JsonRefusedError {
    return new JsonRefusedError('invalidSyntax', 'The request body is no valid JSON.');
  }
}
