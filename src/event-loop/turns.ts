/**
 * Shares the one thread. Work that is not done after a slice waits here, and each turn of the event loop admits
 * one slice. Lanes take turns, so a tenant with fifty heavy requests gets no more of the thread than a tenant with
 * one. Small work of all lanes runs between two slices.
 */
export class Turns {
  /** The first lane has the next turn. */
  private readonly lanes = new Map<string, (() => void)[]>();
  private scheduled = false;

  /** @returns when it is this lane's turn */
  next(lane: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.lanes.get(lane);
      if (waiting) waiting.push(resolve);
      else this.lanes.set(lane, [resolve]);
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.admitOne();
      if (this.lanes.size > 0) this.schedule();
    });
  }

  private admitOne(): void {
    for (const [lane, waiting] of this.lanes) {
      this.lanes.delete(lane);
      const admit = waiting.shift()!;
      if (waiting.length > 0) this.lanes.set(lane, waiting);
      admit();
      return;
    }
  }
}
