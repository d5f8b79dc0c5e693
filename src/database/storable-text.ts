// Databases cut at U+0000 or refuse it, and a lone surrogate becomes U+FFFD on its way into UTF-8: either would be
// stored as another text than the one that was compared.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

/** UAX #15 §13: no text that anybody writes has more. */
export const MOST_COMBINING_MARKS = 30;
const TOO_MANY_MARKS = new RegExp(`\\p{M}{${MOST_COMBINING_MARKS + 1}}`, 'u');

/**
 * Whether a text has no long run of combining marks (UAX #15 §13, Stream-Safe Text Format). Normalising takes time that
 * grows with the square of such a run.
 */
export function isStreamSafe(text: string): boolean {
  return !TOO_MANY_MARKS.test(text);
}
