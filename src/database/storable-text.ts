// Databases cut a text at U+0000 or refuse it, and UTF-8 turns a lone surrogate into U+FFFD. The stored text would
// then differ from the text that was compared.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

/** UAX #15 §13: no real text has more. */
export const MOST_COMBINING_MARKS = 30;
const TOO_MANY_MARKS = new RegExp(`\\p{M}{${MOST_COMBINING_MARKS + 1}}`, 'u');

/**
 * Whether a text has no long run of combining marks (UAX #15 §13, Stream-Safe Text Format). Normalising takes time that
 * grows with the square of such a run.
 */
export function isStreamSafe(text: string): boolean {
  return !TOO_MANY_MARKS.test(text);
}
