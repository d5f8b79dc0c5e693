const { openSync, readSync } = require('node:fs');

/**
 * Loaded into the product's process before it starts (`node --require`). A timer fires every few milliseconds. The time
 * between two timer events is how long other requests had to wait.
 *
 * On a busy machine the process also waits for a core. Linux counts that time, and it is subtracted. The rest is the time
 * for which the event loop was really blocked.
 */
const BEAT_MS = 5;

const schedule = openSchedule();
const buffer = Buffer.alloc(128);
let lastBeat = performance.now();
let lastWait = waitedForCore();
let delays = [];
let longestHoldMs = 0;

setInterval(() => {
  const now = performance.now();
  const wait = waitedForCore();
  const delayMs = Math.max(0, now - lastBeat - BEAT_MS);
  delays.push(delayMs);
  longestHoldMs = Math.max(longestHoldMs, delayMs - (wait - lastWait));
  lastBeat = now;
  lastWait = wait;
}, BEAT_MS).unref();

process.on('message', (message) => {
  if (message === 'begin') {
    // The next timer event still measures the time before the start.
    setTimeout(() => {
      delays = [];
      longestHoldMs = 0;
      process.send({ begun: true });
    }, 2 * BEAT_MS);
  }
  if (message === 'end') {
    // Only the next timer event sees a block that ends right now.
    setTimeout(() => process.send(figures()), 4 * BEAT_MS);
  }
});
process.channel.unref();

function figures() {
  const sorted = [...delays].sort((a, b) => a - b);
  return {
    longestHoldMs,
    longestDelayMs: sorted.at(-1) ?? 0,
    p99DelayMs: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function openSchedule() {
  try {
    return openSync('/proc/self/schedstat', 'r');
  } catch {
    // Not Linux: then nothing is subtracted.
    return null;
  }
}

/** How long the main thread has waited for a core since its start, in milliseconds. */
function waitedForCore() {
  if (schedule === null) return 0;
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  return Number(buffer.toString('latin1', 0, length).split(' ', 2)[1]) / 1e6;
}
