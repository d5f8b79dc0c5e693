/** Work of which each lane does one at a time, in the order in which it came. */
export class OneAtATime {
  private readonly last = new Map<string, Promise<unknown>>();

  async run<T>(lane: string, action: () => Promise<T>): Promise<T> {
    const before = this.last.get(lane);
    const mine = (async () => {
      // Whether the one before failed is told to whoever asked for it.
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
