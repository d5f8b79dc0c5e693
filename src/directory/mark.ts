import { parse as bytesOf, v7 as timedUuid, validate, version } from 'uuid';

/** What tells one change from the next, and when it was made. */
export function newMark(): string {
  // Said explicitly: by itself the generator never goes back, so it would run ahead of a clock that was set back.
  return timedUuid({ msecs: Date.now() });
}

/**
 * When a mark was made, by the clock of whoever made it.
 *
 * @returns epoch milliseconds; null for one of an older build, which does not tell
 */
export function markedAt(mark: string): number | null {
  // RFC 9562 §5.7: the first 48 bits are Unix milliseconds.
  return validate(mark) && version(mark) === 7 ? Buffer.from(bytesOf(mark)).readUIntBE(0, 6) : null;
}
