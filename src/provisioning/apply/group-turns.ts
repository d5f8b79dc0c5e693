/**
 * The right to plan for a group and write to it. Other workers wait, except those that are let in between two
 * calls.
 */
export interface GroupTurn {
  /** Whether another worker was let in during this run: data that was read before may be outdated. */
  readonly wasInterrupted: boolean;
  /** Remote users that another worker has processed in between: older plans for them are void. */
  readonly doneByOthers: Set<string>;
  /** Whether another worker waits to be let in. */
  readonly hasWaiters: boolean;
  /** Lets the waiting workers in, and resolves when they are done. The caller must record all its outcomes before. */
  letOthersIn(): Promise<void>;
}

/** Within one run, at most one worker at a time plans for a group and writes to it. */
export class GroupTurns {
  private readonly turns = new Map<string, Turn>();

  async take<T>(groupId: string, work: (turn: GroupTurn) => Promise<T>): Promise<T> {
    const turn = this.turns.get(groupId) ?? new Turn();
    this.turns.set(groupId, turn);
    await turn.enter();
    try {
      return await work(turn);
    } finally {
      turn.leave();
      // A turn without an interruption need not be remembered.
      if (!turn.isTaken && !turn.wasInterrupted) this.turns.delete(groupId);
    }
  }
}

class Turn implements GroupTurn {
  isTaken = false;
  wasInterrupted = false;
  readonly doneByOthers = new Set<string>();
  private readonly waiting: (() => void)[] = [];

  get hasWaiters(): boolean {
    return this.waiting.length > 0;
  }

  async enter(): Promise<void> {
    if (this.isTaken) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.isTaken = true;
  }

  leave(): void {
    if (this.doneByOthers.size > 0) this.wasInterrupted = true;
    const next = this.waiting.shift();
    if (next) next();
    else this.isTaken = false;
  }

  async letOthersIn(): Promise<void> {
    if (!this.hasWaiters) return;
    const back = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.leave();
    await back;
  }
}
