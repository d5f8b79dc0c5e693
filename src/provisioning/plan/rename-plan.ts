/** A group whose team has another name than the group. Keys are `IntegrationProvider.groupNameKey`. */
export interface PendingRename {
  id: string;
  /** Of the name that the team has. */
  heldKey: string;
  wantedKey: string;
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
 * | the wanted name is held by         | then                                                              |
 * | ---------------------------------- | ----------------------------------------------------------------- |
 * | nobody who is renamed, or itself   | now (a stranger who holds it is the target's to refuse)           |
 * | a team that is renamed             | wait for it                                                       |
 * | the next one in a circle           | the one with the least id goes through a temporary name           |
 */
export function planRename(id: string, pending: readonly PendingRename[]): RenameStep {
  const holderOf = new Map(pending.map((rename) => [rename.heldKey, rename]));
  const self = pending.find((rename) => rename.id === id);
  if (!self || self.wantedKey === self.heldKey) return 'now';
  const circle = [self.id];
  for (let next = holderOf.get(self.wantedKey); next; next = holderOf.get(next.wantedKey)) {
    if (next.id === self.id)
      return circle.every((other) => self.id <= other) ? 'through-temporary-name' : 'wait';
    // A circle further on, which this one is not part of: its own members open it.
    if (circle.includes(next.id) || next.wantedKey === next.heldKey) return 'wait';
    circle.push(next.id);
  }
  return circle.length === 1 ? 'now' : 'wait';
}

/** A name that nobody wants, for the time in which two teams swap theirs. */
export function temporaryName(name: string, id: string, longest: number): string {
  const mark = ` (being renamed ${id.slice(-6)})`;
  return [...name].slice(0, longest - mark.length).join('') + mark;
}
