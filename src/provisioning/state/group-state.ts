import type { GroupState } from './remote-group.entity';

/** Something of a group that is not done, and why. */
export interface OpenItem {
  reason: string;
  message: string;
  nextAttemptAt: number;
}

export interface GroupFacts {
  /** Removals that wait for an admin. */
  held: Omit<OpenItem, 'nextAttemptAt'> | null;
  /** The earliest member, to be added or removed, whose failure passes by itself. */
  passing: OpenItem | null;
  /** The earliest member who waits for something that people must do. */
  waiting: OpenItem | null;
  /** The team still has its old name. */
  name: OpenItem | null;
}

export interface DerivedState {
  state: GroupState;
  reason: string | null;
  message: string | null;
  nextAttemptAt: number | null;
}

/**
 * How a group stands once its team is there and its changes are looked at.
 *
 * | open items           | state    |
 * | -------------------- | -------- |
 * | held removals        | held     |
 * | a passing failure    | retrying |
 * | people or name wait  | partial  |
 * | none                 | synced   |
 */
export function deriveGroupState({ held, passing, waiting, name }: GroupFacts): DerivedState {
  const shown = held ?? passing ?? waiting ?? name;
  if (!shown) return { state: 'synced', reason: null, message: null, nextAttemptAt: null };
  const attempts = [passing, waiting, name].flatMap((item) => (item ? [item.nextAttemptAt] : []));
  return {
    state: held ? 'held' : passing ? 'retrying' : 'partial',
    reason: shown.reason,
    message: shown.message,
    nextAttemptAt: attempts.length > 0 ? Math.min(...attempts) : null,
  };
}
