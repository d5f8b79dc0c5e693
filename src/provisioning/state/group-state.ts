import type { GroupState } from './remote-group.entity';

/** An open item of a group, and why it is open. */
export interface OpenItem {
  reason: string;
  message: string;
  nextAttemptAt: number;
}

/** The first of several members that wait in the same way. */
export interface OpenPeople extends OpenItem {
  /** How many members wait. */
  people: number;
}

export interface GroupFacts {
  /** Removals that wait for an admin. */
  held: Omit<OpenItem, 'nextAttemptAt'> | null;
  /** The earliest addition or removal with a passing failure. */
  passing: OpenPeople | null;
  /** The earliest addition or removal that waits for an action of an admin. */
  waiting: OpenPeople | null;
  /** The remote group still has its old name. */
  name: OpenItem | null;
  /** An admin rejected a removal. */
  rejected: Omit<OpenItem, 'nextAttemptAt'> | null;
  /** When the first call is due that a run was cut off before; epoch milliseconds. */
  unsentDueAt: number | null;
  /** When the check of a write with an unknown outcome is due; epoch milliseconds. */
  unclearDueAt: number | null;
}

export interface DerivedState {
  state: GroupState;
  reason: string | null;
  message: string | null;
  nextAttemptAt: number | null;
}

/**
 * The state of a group with a remote group and without unprocessed changes.
 *
 * | open items                                    | state    |
 * | --------------------------------------------- | -------- |
 * | held removals                                 | held     |
 * | a passing failure                             | retrying |
 * | a call that was not sent                      | syncing  |
 * | members or name wait, a rejected removal      | partial  |
 * | none, or only a write with an unknown outcome | synced   |
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

/** The length of message columns. */
const MESSAGE_LENGTH = 1000;

/** @param message the message about one of these users */
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
