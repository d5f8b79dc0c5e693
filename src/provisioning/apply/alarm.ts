/** Wakes the one waiter. A ring before the wait counts too. */
export class Alarm {
  private isRung = false;
  private wake: (() => void) | null = null;

  ring(): void {
    this.isRung = true;
    this.wake?.();
  }

  /**
   * @param atMostMs the longest wait without a ring
   * @param atLeastMs the shortest wait, to answer many rings together
   */
  async wait(atMostMs: number, atLeastMs: number): Promise<void> {
    await this.sleep(atLeastMs, () => false);
    if (!this.isRung) await this.sleep(atMostMs - atLeastMs, () => this.isRung);
    this.isRung = false;
  }

  private async sleep(ms: number, isOver: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        if (!isOver()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }
}
