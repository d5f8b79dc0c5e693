/** The client has to wait. Every API answers with 429 and `Retry-After`. */
export class TooManyRequestsError extends Error {
  /** @param message one sentence for a person */
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message);
    this.name = 'TooManyRequestsError';
  }

  static within(message: string, milliseconds: number): TooManyRequestsError {
    // Okta accepts whole seconds only, and with 0 it would retry at once.
    return new TooManyRequestsError(message, Math.max(1, Math.ceil(milliseconds / 1_000)));
  }
}
