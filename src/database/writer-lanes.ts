/** Work that waits for the writer. */
export interface Waiting {
  big: boolean;
  /** `performance.now()` of its arrival. */
  since: number;
}

interface Lane<Work> {
  small: Work[];
  big: Work[];
  /** Where the lane began (see `enter`), plus how long it has held the writer since, in milliseconds. */
  used: number;
}

/** How long big work lets small work of other lanes go first. */
const BIG_WORK_WAITS_MS = 1_000;
/** The most extra time of the writer that counts against a lane when it comes back. */
const MOST_DEBT_MS = 1_000;

/**
 * Chooses the next work: the waiting lane that has held the writer for the least time. An idle lane saves up no
 * time. When it begins to wait, it starts at the least time of the waiting lanes. Big work waits while there is
 * small work, but not for ever.
 */
export class WriterLanes<Work extends Waiting> {
  private readonly lanes = new Map<string, Lane<Work>>();

  get isEmpty(): boolean {
    return this.waitingLanes().next().done === true;
  }

  enter(name: string, work: Work): void {
    const lane = this.lanes.get(name);
    if (lane && hasWork(lane)) {
      queueOf(lane, work).push(work);
      return;
    }
    let least = Infinity;
    for (const waiting of this.waitingLanes()) least = Math.min(least, waiting.used);
    // When no lane waits, no lane is behind.
    if (least === Infinity) this.lanes.clear();
    const used = Math.max(this.lanes.get(name)?.used ?? 0, least === Infinity ? 0 : least);
    const entered: Lane<Work> = { small: [], big: [], used: Math.min(used, least + MOST_DEBT_MS) };
    queueOf(entered, work).push(work);
    this.lanes.set(name, entered);
  }

  leave(name: string, work: Work): void {
    const lane = this.lanes.get(name);
    if (!lane) return;
    const queue = queueOf(lane, work);
    const index = queue.indexOf(work);
    if (index >= 0) queue.splice(index, 1);
  }

  /** @param smallOnly true inside a shared transaction, which must not hold big work */
  next(now: number, smallOnly: boolean): { lane: string; work: Work } | null {
    const small = this.least((lane) => lane.small.length > 0);
    const big = smallOnly ? null : this.least((lane) => lane.big.length > 0);
    const chosen = big && (!small || mayPass(big.lane, small.lane, now)) ? big : small;
    if (!chosen) return null;
    const { name, lane } = chosen;
    const work = (chosen === big ? lane.big : lane.small).shift()!;
    return { lane: name, work };
  }

  /** Adds the time that work of the lane held the writer. */
  charge(name: string, ms: number): void {
    const lane = this.lanes.get(name);
    if (lane) lane.used += ms;
    else this.lanes.set(name, { small: [], big: [], used: ms });
  }

  private least(among: (lane: Lane<Work>) => boolean): { name: string; lane: Lane<Work> } | null {
    let least: { name: string; lane: Lane<Work> } | null = null;
    for (const [name, lane] of this.lanes) {
      if (among(lane) && (least === null || lane.used < least.lane.used)) least = { name, lane };
    }
    return least;
  }

  private *waitingLanes(): Generator<Lane<Work>> {
    for (const lane of this.lanes.values()) if (hasWork(lane)) yield lane;
  }
}

function mayPass(big: { big: Waiting[]; used: number }, small: { used: number }, now: number): boolean {
  return now - big.big[0]!.since > BIG_WORK_WAITS_MS && big.used <= small.used;
}

function hasWork({ small, big }: Lane<unknown>): boolean {
  return small.length > 0 || big.length > 0;
}

function queueOf<Work extends Waiting>(lane: Lane<Work>, work: Work): Work[] {
  return work.big ? lane.big : lane.small;
}
