/** Whoever asks has to wait; answered with 429 and `Retry-After` at every door. */
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
    // Okta takes whole seconds only; with 0 it would be back at once.
    return new TooManyRequestsError(message, Math.max(1, Math.ceil(milliseconds / 1_000)));
  }
}
