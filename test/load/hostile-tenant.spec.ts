import { ATTACKS } from './support/attacks';
import { type AttackFigures, AttackRun } from './support/attack-run';
import type { MeasuredScimify } from './support/measured-scimify';
import { CONTESTS, Contest } from './support/contest';
import { UNLIMITED, World } from './support/world';

/** LOAD_FULL=1 runs all attacks; otherwise only the most expensive of each kind run. */
const FULL = process.env.LOAD_FULL === '1';

/** On a quiet machine it is 100 ms. */
const LONGEST_HOLD_MS = 400;
const MOST_MEMORY_MB = 500;
/** Slow is allowed: the client gives up requests that have no response by then. */
const TIMEOUT_MS = FULL ? 20_000 : 2_000;
const CLIENTS_AT_ONCE = 5;

/** On a busy machine. */
const START_TIMEOUT_MS = 120_000;

let world: World;

beforeAll(async () => {
  world = await World.create(FULL);
}, 3 * START_TIMEOUT_MS);

afterAll(() => world.remove(), START_TIMEOUT_MS);

describe('The thread is free, and memory stays bounded, while', () => {
  let scimify: MeasuredScimify;
  let run: AttackRun;

  beforeAll(async () => {
    scimify = await world.start(UNLIMITED);
    run = new AttackRun(scimify, world, TIMEOUT_MS);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await run.end();
    await scimify.kill();
  });

  const attacks = ATTACKS.filter(({ everyTime }) => FULL || everyTime).map(
    (attack) => [attack.name, attack] as const,
  );

  it.each(attacks)(
    '%s',
    async (_, attack) => {
      const one = await run.measure(attack, 1);
      expect(problemsOf(one)).toEqual([]);
      expect(problemsOf(await run.measure(attack, CLIENTS_AT_ONCE))).toEqual([]);
    },
    2 * START_TIMEOUT_MS,
  );
});

/** In words, so that a failure shows the outcome. */
function problemsOf(figures: AttackFigures): string[] {
  const problems: string[] = [];
  if (figures.killed) problems.push(`It stood still: ${told(figures)}`);
  // Of several clients, each may hold the event loop for a slice before the others have their turn.
  else if (figures.clients === 1 && figures.longestHoldMs > LONGEST_HOLD_MS) {
    problems.push(`It held the thread too long: ${told(figures)}`);
  }
  if (figures.peakMemoryMb > MOST_MEMORY_MB) problems.push(`It took too much memory: ${told(figures)}`);
  return problems;
}

const told = (figures: AttackFigures) => JSON.stringify(figures);

describe('At default limits a neighbour reads at once and is refused no small write, while', () => {
  let scimify: MeasuredScimify;
  let contest: Contest;

  beforeAll(async () => {
    scimify = await world.start({});
    contest = new Contest(scimify, world);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await contest.end();
    await scimify.kill();
  });

  it.each(CONTESTS)(
    '5 connections send $name',
    async (kind) => {
      const { reads, writes } = await contest.run(kind, FULL ? 10_000 : 5_000);
      expect(writes.statuses).toEqual({ 200: writes.count });
      expect(reads.statuses).toEqual({ 200: reads.count });
      expect(reads.count).toBeGreaterThan(10);
      // On a quiet machine it is 250 ms and 1 s.
      expect(reads.p99Ms).toBeLessThan(1_000);
      expect(reads.maxMs).toBeLessThan(3_000);
    },
    START_TIMEOUT_MS,
  );
});
