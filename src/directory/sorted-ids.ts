import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

/** Ids that are sorted or merged without a pause: this takes one or two milliseconds. */
const IDS_PER_SLICE = 4_000;

/** Sorts ids and lets the event loop run in between. Sorting 100,000 ids without a pause takes a tenth of a second. */
export async function sortedIds(ids: ReadonlySet<string>): Promise<string[]> {
  const all = [...ids];
  let runs: string[][] = [];
  for (let start = 0; start < all.length; start += IDS_PER_SLICE) {
    if (start > 0) await yieldToEventLoop();
    runs.push(all.slice(start, start + IDS_PER_SLICE).sort());
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let run = 0; run < runs.length; run += 2) {
      const [left, right] = [runs[run]!, runs[run + 1]];
      merged.push(right === undefined ? left : await mergedIds(left, right));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergedIds(left: readonly string[], right: readonly string[]): Promise<string[]> {
  const merged: string[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    merged.push(left[l]! <= right[r]! ? left[l++]! : right[r++]!);
    if (merged.length % IDS_PER_SLICE === 0) await yieldToEventLoop();
  }
  return merged.concat(left.slice(l), right.slice(r));
}
