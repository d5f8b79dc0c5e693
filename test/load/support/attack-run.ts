import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Attack } from './attack';
import type { LoopFigures, MeasuredScimify } from './measured-scimify';
import { targetOf } from './requests';
import { type Outcome, Sender, percentile } from './sender';
import type { World } from './world';

const AN_HOUR_MS = 3_600_000;
const PROBE_PAUSE_MS = 5;
const SETTLED_TIMEOUT_MS = 30_000;

/** The results of an attack. */
export interface AttackFigures extends LoopFigures {
  attack: string;
  clients: number;
  /** Status → count; `0` means no response. */
  statuses: Record<string, number>;
  /** The first characters of the first error. */
  sentence: string;
  /** From the first request to the last response. */
  ms: number;
  /** Round trip of a neighbour that only requests `/health/live`. */
  neighbourMaxMs: number;
  neighbourP99Ms: number;
}

/** Runs three processes besides the product. The attacker has lower priority than the neighbour, whose times must be exact. */
export class AttackRun {
  private readonly attacker = new Sender();
  private readonly neighbour = new Sender();

  constructor(
    private readonly scimify: MeasuredScimify,
    private readonly world: World,
    private readonly timeoutMs: number,
  ) {}

  /** @param clients how many clients send it in parallel */
  async measure(attack: Attack, clients: number): Promise<AttackFigures> {
    const requests = attack.requests(targetOf(this.scimify, this.world));
    const { rounds = 1, connections = 1 } = attack;
    await this.settled();
    await this.scimify.begin();
    const begun = performance.now();
    const endNeighbour = this.neighbour.begin({
      requests: [{ method: 'GET', url: `${this.scimify.url}/health/live`, headers: {} }],
      connections: 1,
      times: Infinity,
      forMs: AN_HOUR_MS,
      pauseMs: PROBE_PAUSE_MS,
      timeoutMs: AN_HOUR_MS,
      nice: 0,
    });
    const outcomes = await this.attacker.send({
      requests,
      connections: connections * clients,
      times: requests.length * rounds * clients,
      forMs: this.timeoutMs,
      pauseMs: 0,
      timeoutMs: this.timeoutMs,
      nice: 10,
    });
    const ms = performance.now() - begun;
    const figures = await this.scimify.end();
    const trips = (await endNeighbour()).map((outcome) => outcome.ms);
    return report({
      attack: attack.name,
      clients,
      statuses: statusesOf(outcomes),
      sentence: outcomes.find(({ sentence }) => sentence !== '')?.sentence ?? '',
      ms,
      neighbourMaxMs: percentile(trips, 1),
      neighbourP99Ms: percentile(trips, 0.99),
      ...figures,
    });
  }

  async end(): Promise<void> {
    await this.attacker.end();
    await this.neighbour.end();
  }

  /** Waits for requests that timed out: the product may still work on them, which would distort the next figures. */
  private async settled(): Promise<void> {
    const until = performance.now() + SETTLED_TIMEOUT_MS;
    for (let quick = 0; quick < 3;) {
      const begun = performance.now();
      const live = await fetch(`${this.scimify.url}/health/live`, {
        signal: AbortSignal.timeout(SETTLED_TIMEOUT_MS),
      }).catch(() => null);
      quick = live?.ok && performance.now() - begun < 100 ? quick + 1 : 0;
      if (performance.now() > until) {
        await this.scimify.restart();
        return;
      }
      await pause(20);
    }
  }
}

export function statusesOf(outcomes: readonly Outcome[]): Record<string, number> {
  const statuses: Record<string, number> = {};
  for (const { status } of outcomes) statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
}

/** Appends a line of JSON to the file in LOAD_REPORT, if it is set. */
export function report<T extends object>(figures: T): T {
  const { LOAD_REPORT } = process.env;
  if (LOAD_REPORT) appendFileSync(LOAD_REPORT, `${JSON.stringify(figures)}\n`);
  return figures;
}
