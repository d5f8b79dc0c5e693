import { parse as bytesOf, v7 as timedUuid, validate, version } from 'uuid';

/** A new unique id of a change. It contains the time at which it was made. */
export function newMark(): string {
  // Without an explicit time the generator never goes back: it would run ahead of a clock that was set back.
  return timedUuid({ msecs: Date.now() });
}

/**
 * When a mark was made, by the clock of the process that made it.
 *
 * @returns epoch milliseconds; null for a mark of an older build, which contains no time
 */
export function markedAt(mark: string): number | null {
  // RFC 9562 §5.7: the first 48 bits are Unix milliseconds.
  return validate(mark) && version(mark) === 7 ? Buffer.from(bytesOf(mark)).readUIntBE(0, 6) : null;
}
