/** A group whose team has another name than the group. Keys are `IntegrationProvider.groupNameKey`. */
export interface PendingRename {
  id: string;
  /** Of the name that the team surely has: that of a temporary one counts from its confirmation on. */
  heldKey: string;
  wantedKey: string;
  /** The target refuses it that name: it keeps the one that it has until people change something, or its turn comes again. */
  stuck: boolean;
}

export type RenameStep =
  | 'now'
  /** Another team of ours has the name and will give it up. */
  | 'wait'
  /** The names go round in a circle, and this team opens it by taking a name that nobody wants. */
  | 'through-temporary-name';

/**
 * In which order teams can be renamed. Pure.
 *
 * | the wanted name is held by         | then                                                                      |
 * | ---------------------------------- | ------------------------------------------------------------------------- |
 * | nobody who is renamed, or itself   | now (a stranger who holds it is the target's to refuse)                   |
 * | a team that is stuck               | now (that it still holds the name is the target's to say)                 |
 * | a team that is renamed             | wait for it                                                               |
 * | the next one in a circle           | the one with the least id that is not stuck goes through a temporary name |
 *
 * @param pending at least this one and, from it on, whoever holds the name that the one before wants
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
  // Any other circle further on is opened by its own members.
  const isInCircle = next === self;
  if (!isInCircle) return holder.stuck ? 'now' : 'wait';
  return [...others].every((other) => other.stuck || self.id < other.id) ? 'through-temporary-name' : 'wait';
}

/** A name that nobody wants, for the time in which two teams swap theirs; a name that is such a one already stays. */
export function temporaryName(name: string, id: string, longest: number): string {
  const mark = ` (being renamed ${id.slice(-6)})`;
  if (name.endsWith(mark)) return name;
  return [...name].slice(0, longest - mark.length).join('') + mark;
}
