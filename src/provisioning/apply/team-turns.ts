/** A team that is being planned and written to: nobody else does that meanwhile, but for who is let in between two calls. */
export interface TeamTurn {
  /** Remote users who were removed by somebody let in between: what was planned for them before is void. */
  readonly removed: Set<string>;
  /** Whether somebody waits to be let in. */
  readonly isWanted: boolean;
  /** Lets in whoever waits, and comes back once they are done. All that was done so far has to be recorded before. */
  giveWay(): Promise<void>;
}

/** Within one run: at most one at a time plans for a team and writes to it. */
export class TeamTurns {
  private readonly turns = new Map<string, Turn>();

  async take<T>(groupId: string, work: (turn: TeamTurn) => Promise<T>): Promise<T> {
    const turn = this.turns.get(groupId) ?? new Turn();
    this.turns.set(groupId, turn);
    await turn.enter();
    try {
      return await work(turn);
    } finally {
      if (!turn.leave()) this.turns.delete(groupId);
    }
  }
}

class Turn implements TeamTurn {
  readonly removed = new Set<string>();
  private isTaken = false;
  private readonly waiting: (() => void)[] = [];

  get isWanted(): boolean {
    return this.waiting.length > 0;
  }

  async enter(): Promise<void> {
    if (this.isTaken) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.isTaken = true;
  }

  /** @returns whether somebody else has it now */
  leave(): boolean {
    const next = this.waiting.shift();
    if (next) next();
    else this.isTaken = false;
    return next !== undefined;
  }

  async giveWay(): Promise<void> {
    if (!this.isWanted) return;
    const back = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.leave();
    await back;
  }
}
