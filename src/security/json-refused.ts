/**
 * JSON that Scimify refuses, also where a parser accepts it. `tooLarge`: over the size limit that the message
 * names.
 */
export class JsonRefusedError extends Error {
  constructor(
    readonly reason: 'invalidSyntax' | 'invalidValue' | 'tooLarge',
    message: string,
  ) {
    super(message);
    this.name = 'JsonRefusedError';
  }

  static noJson(): JsonRefusedError {
    return new JsonRefusedError('invalidSyntax', 'The request body is not valid JSON.');
  }
}
