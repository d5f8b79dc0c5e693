import type { GroupState } from './remote-group.entity';

/** Something of a group that is not done, and why. */
export interface OpenItem {
  reason: string;
  message: string;
  nextAttemptAt: number;
}

/** The first of the people who wait in the same way. */
export interface OpenPeople extends OpenItem {
  /** How many they are. */
  people: number;
}

export interface GroupFacts {
  /** Removals that wait for an admin. */
  held: Omit<OpenItem, 'nextAttemptAt'> | null;
  /** The earliest member, to be added or removed, whose failure passes by itself. */
  passing: OpenPeople | null;
  /** The earliest member who waits for something that people must do. */
  waiting: OpenPeople | null;
  /** The team still has its old name. */
  name: OpenItem | null;
  /** An admin decided that somebody stays in the team whom the IdP takes out. */
  rejected: Omit<OpenItem, 'nextAttemptAt'> | null;
  /** When the first of the calls that a run was cut off before is to be made; epoch milliseconds. */
  unsentDueAt: number | null;
  /** When the target is to be asked whether it took a write that ended unclear; epoch milliseconds. */
  unclearDueAt: number | null;
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
 * | open items                                 | state    |
 * | ------------------------------------------ | -------- |
 * | held removals                              | held     |
 * | a passing failure                          | retrying |
 * | a call that was not sent                   | syncing  |
 * | people or name wait, a rejected removal    | partial  |
 * | none, or only an answer to be made sure of | synced   |
 */
export function deriveGroupState(facts: GroupFacts): DerivedState {
  const { held, passing, waiting, name, rejected, unsentDueAt, unclearDueAt } = facts;
  const shown = held ?? named(passing) ?? named(waiting) ?? name ?? rejected;
  const attempts = [passing, waiting, name].flatMap((item) => (item ? [item.nextAttemptAt] : []));
  for (const dueAt of [unsentDueAt, unclearDueAt]) if (dueAt !== null) attempts.push(dueAt);
  return {
    state: stateOf(facts),
    reason: shown?.reason ?? null,
    message: shown?.message ?? null,
    nextAttemptAt: attempts.length > 0 ? Math.min(...attempts) : null,
  };
}

function named(open: OpenPeople | null): OpenItem | null {
  return open && { ...open, message: standingFor(open.people, open.message) };
}

/** Columns of messages have this length. */
const MESSAGE_LENGTH = 1000;

/** @param message what is said of one of so many people */
export function standingFor(people: number, message: string): string {
  if (people <= 1) return message;
  const others = ` Not done for this person and ${people - 1} more`;
  return message.slice(0, MESSAGE_LENGTH - others.length) + others;
}

function stateOf({ held, passing, waiting, name, rejected, unsentDueAt }: GroupFacts): GroupState {
  if (held) return 'held';
  if (passing) return 'retrying';
  if (unsentDueAt !== null) return 'syncing';
  return (waiting ?? name ?? rejected) ? 'partial' : 'synced';
}
