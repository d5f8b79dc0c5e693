/** A team that is being planned and written to: nobody else does that meanwhile, but for who is let in between two calls. */
export interface GroupTurn {
  /** Whether anybody was let in during this run: what was read before that may be done by now. */
  readonly hadGuests: boolean;
  /** Remote users for whom whoever was let in has called: what was planned for them before is void. */
  readonly seenTo: Set<string>;
  /** Whether somebody waits to be let in. */
  readonly isWanted: boolean;
  /** Lets in whoever waits, and comes back once they are done. All that was done so far has to be recorded before. */
  giveWay(): Promise<void>;
}

/** Within one run: at most one at a time plans for a team and writes to it. */
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
      // Of a team that had none there is nothing to remember.
      if (!turn.isTaken && !turn.hadGuests) this.turns.delete(groupId);
    }
  }
}

class Turn implements GroupTurn {
  isTaken = false;
  hadGuests = false;
  readonly seenTo = new Set<string>();
  private readonly waiting: (() => void)[] = [];

  get isWanted(): boolean {
    return this.waiting.length > 0;
  }

  async enter(): Promise<void> {
    if (this.isTaken) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.isTaken = true;
  }

  leave(): void {
    if (this.seenTo.size > 0) this.hadGuests = true;
    const next = this.waiting.shift();
    if (next) next();
    else this.isTaken = false;
  }

  async giveWay(): Promise<void> {
    if (!this.isWanted) return;
    const back = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.leave();
    await back;
  }
}
