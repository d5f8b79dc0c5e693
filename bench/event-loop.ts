import { ATTACKS } from '../test/load/support/attacks';
import { type AttackFigures, AttackRun } from '../test/load/support/attack-run';
import { UNLIMITED, World } from '../test/load/support/world';

/**
 * Measures how long each attack of test/load blocks the event loop, and prints a Markdown table. It asserts nothing.
 *
 * `npm run bench` runs all attacks, `npm run bench -- Bulk` those with this word in their names. LOAD_FULL=1 fills all 100
 * groups with 20,000 members. LOAD_REPORT=FILE writes all figures as lines of JSON.
 */
const TIMEOUT_MS = 20_000;
const CLIENTS = [1, 5];

async function bench(word: string): Promise<void> {
  const world = await World.create(process.env.LOAD_FULL === '1');
  const scimify = await world.start(UNLIMITED);
  const run = new AttackRun(scimify, world, TIMEOUT_MS);
  print('| attack | at once | answers | ms | thread held, ms | neighbour waits, ms | peak memory, MB |');
  print('| --- | --- | --- | --- | --- | --- | --- |');
  try {
    for (const attack of ATTACKS.filter(({ name }) => name.includes(word))) {
      for (const clients of CLIENTS) print(rowOf(await run.measure(attack, clients)));
    }
  } finally {
    await run.end();
    await scimify.kill();
    await world.remove();
  }
}

function rowOf(figures: AttackFigures): string {
  const answers = Object.entries(figures.statuses).map(([status, count]) => `${count} × ${status}`);
  const cells = [
    figures.attack,
    figures.clients,
    answers.join(', '),
    Math.round(figures.ms),
    `${Math.round(figures.longestHoldMs)}${figures.killed ? ' and on' : ''}`,
    Math.round(figures.neighbourMaxMs),
    Math.round(figures.peakMemoryMb),
  ];
  return `| ${cells.join(' | ')} |`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

void bench(process.argv[2] ?? '');
