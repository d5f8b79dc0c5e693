/** What keeps the process from serving: rooms say so, and `/health/ready` asks. */
export class Readiness {
  private readonly looks: (() => string | null)[] = [];

  /** @param look tells in a sentence what is wrong, null where nothing is */
  ask(look: () => string | null): void {
    this.looks.push(look);
  }

  /** The first thing that is wrong. */
  get obstacle(): string | null {
    return this.looks.map((look) => look()).find((sentence) => sentence !== null) ?? null;
  }
}
