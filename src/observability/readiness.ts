/** Collects the checks of all rooms for what keeps the process from serving. `/health/ready` runs them. */
export class Readiness {
  private readonly checks: (() => string | null)[] = [];

  /** @param check returns the problem in one sentence, or null */
  addCheck(check: () => string | null): void {
    this.checks.push(check);
  }

  /** The first problem. */
  get obstacle(): string | null {
    return this.checks.map((check) => check()).find((sentence) => sentence !== null) ?? null;
  }
}
