/** A group whose remote group has another name. Keys come from `IntegrationProvider.groupNameKey`. */
export interface PendingRename {
  id: string;
  /** Key of the name that the remote group certainly has. A temporary name counts from its confirmation on. */
  heldKey: string;
  wantedKey: string;
  /**
   * The target refuses the wanted name. The remote group keeps its name until an admin changes something or the
   * next attempt is due.
   */
  stuck: boolean;
}

export type RenameStep =
  | 'now'
  /** Another remote group of the integration has the name and will give it up. */
  | 'wait'
  /** The renames form a cycle. This group breaks the cycle: it takes a temporary name that no group wants. */
  | 'through-temporary-name';

/**
 * In which order remote groups can be renamed. Pure.
 *
 * | the wanted name is held by                | then                                                          |
 * | ----------------------------------------- | ------------------------------------------------------------- |
 * | this group, or none of ours to be renamed | now (the target refuses it if a foreign group holds the name) |
 * | a stuck group                             | now (the target says if that group still holds the name)      |
 * | a group that is to be renamed             | wait for it                                                   |
 * | the next group in a cycle                 | the lowest id that is not stuck takes a temporary name        |
 *
 * @param pending at least this group and, starting from it, each group that holds the name that the previous one
 * wants
 */
export function planRename(id: string, pending: readonly PendingRename[]): RenameStep {
  const holderOf = new Map(pending.map((rename) => [rename.heldKey, rename]));
  const self = pending.find((rename) => rename.id === id);
  if (!self || self.wantedKey === self.heldKey) return 'now';
  const holder = holderOf.get(self.wantedKey);
  if (!holder) return 'now';
  const others = new Set<PendingRename>();
  let next: PendingRename | undefined = holder;
  while (next && next !== self && !others.has(next)) {
    others.add(next);
    next = holderOf.get(next.wantedKey);
  }
  // The members of a cycle further on break that cycle themselves.
  const isInCircle = next === self;
  if (!isInCircle) return holder.stuck ? 'now' : 'wait';
  return [...others].every((other) => other.stuck || self.id < other.id) ? 'through-temporary-name' : 'wait';
}

/** A name that no group wants, for the time of a swap. A name that is already temporary stays as it is. */
export function temporaryName(name: string, id: string, longest: number): string {
  const mark = ` (being renamed ${id.slice(-6)})`;
  if (name.endsWith(mark)) return name;
  return [...name].slice(0, longest - mark.length).join('') + mark;
}
