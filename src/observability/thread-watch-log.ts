import type { FastifyInstance } from 'fastify';
import type { Logger as Pino } from 'pino';
import { type LongHold, takeLongestHold } from '../event-loop/thread-watch';

const CHECK_EVERY_MS = 50;
const TOO_LONG_MS = 200;
const LINE_EVERY_MS = 60_000;

/**
 * While the server listens, logs which work held the thread for over 200 ms: one line a minute, for the longest
 * hold.
 */
export function logLongHolds(fastify: FastifyInstance, log: Pino): void {
  let timer: NodeJS.Timeout | undefined;
  let longest: LongHold | null = null;
  let holds = 0;
  let lineAt = -Infinity;

  const check = () => {
    const hold = takeLongestHold();
    if (hold && hold.ms > TOO_LONG_MS) {
      holds += 1;
      if (!longest || hold.ms > longest.ms) longest = hold;
    }
    if (!longest || performance.now() - lineAt < LINE_EVERY_MS) return;
    const { ms, what, lane, statement } = longest;
    log.warn({ ms: Math.round(ms), what, lane, statement, holds }, 'The event loop was blocked for too long');
    longest = null;
    holds = 0;
    lineAt = performance.now();
  };

  fastify.addHook('onListen', (done) => {
    // Forget what held the thread during the boot.
    takeLongestHold();
    timer = setInterval(check, CHECK_EVERY_MS).unref();
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    clearInterval(timer);
    done();
  });
}
