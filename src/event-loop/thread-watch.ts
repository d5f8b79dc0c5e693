import type { Work } from './current-work';

/** A slice that held the thread for too long. */
export interface LongHold {
  ms: number;
  what: string;
  lane: string;
  /** The statement that ran last, without its parameters; null when none ran. */
  statement: string | null;
}

const IDLE: Work = { what: 'idle', lane: '' };
const STATEMENT_LENGTH = 200;

let holder: Work = IDLE;
let statement: string | null = null;
let since = performance.now();
let longest: LongHold | null = null;

/** Notes which work has the thread from now on. It must be cheap: every slice and every statement calls it. */
export function noteHolder(work: Work): void {
  closeHold(performance.now());
  holder = work;
  statement = null;
}

/** Notes that the holder runs this statement. */
export function noteStatement(sql: string): void {
  statement = sql;
}

/** @returns the longest hold since the last call; call it from a timer, so that idle time counts for no work */
export function takeLongestHold(): LongHold | null {
  closeHold(performance.now());
  holder = IDLE;
  statement = null;
  const taken = longest;
  longest = null;
  return taken;
}

function closeHold(now: number): void {
  const ms = now - since;
  since = now;
  if (longest !== null && longest.ms >= ms) return;
  longest = {
    ms,
    what: holder.what,
    lane: holder.lane,
    statement: statement?.slice(0, STATEMENT_LENGTH) ?? null,
  };
}
