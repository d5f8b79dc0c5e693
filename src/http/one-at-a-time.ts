/** Runs the work of each lane one at a time, in the order in which it came. */
export class OneAtATime {
  private readonly last = new Map<string, Promise<unknown>>();

  async run<T>(lane: string, action: () => Promise<T>): Promise<T> {
    const before = this.last.get(lane);
    const mine = (async () => {
      // The caller of the earlier work gets its error.
      await before?.catch(() => undefined);
      return action();
    })();
    this.last.set(lane, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(lane) === mine) this.last.delete(lane);
    }
  }
}
