import type { CreateIntent, Ownership } from '../state/remote-group.entity';

/** The group as the IdP wants it; null once it is deleted. */
export interface DesiredGroup {
  displayName: string;
}

/** The team as we know it; null before anything was done for the group. */
export interface KnownTeam {
  remoteId: string | null;
  remoteName: string | null;
  ownership: Ownership | null;
  createIntent: CreateIntent | null;
}

export type TeamAction =
  /** An earlier creation may have happened: look its name up before anything else. */
  | { kind: 'resume-create'; intent: CreateIntent }
  /** Look the name up: adopt what is there, else create. */
  | { kind: 'find-or-create'; name: string }
  | { kind: 'rename'; name: string }
  | { kind: 'keep' }
  | { kind: 'delete' }
  /** The members that we added leave, the team stays. */
  | { kind: 'release' }
  /** The claim is forgotten, nothing is called. */
  | { kind: 'forget' };

/**
 * What has to be done about the team itself. Pure.
 *
 * | group   | team                     | then                                                             |
 * | ------- | ------------------------ | ---------------------------------------------------------------- |
 * | deleted | any, policy `leave`      | forget                                                           |
 * | any     | creation not confirmed   | resume-create                                                    |
 * | there   | none                     | find-or-create                                                   |
 * | there   | another name             | rename                                                           |
 * | there   | the same name            | keep                                                             |
 * | deleted | none                     | forget                                                           |
 * | deleted | created by us            | what `onGroupDelete` says                                        |
 * | deleted | adopted                  | the same, but never delete: release                              |
 */
export function planTeam(
  desired: DesiredGroup | null,
  team: KnownTeam | null,
  onGroupDelete: 'delete' | 'release' | 'leave',
): TeamAction {
  if (!desired && onGroupDelete === 'leave') return { kind: 'forget' };
  if (team?.createIntent && team.remoteId === null)
    return { kind: 'resume-create', intent: team.createIntent };
  if (desired) {
    if (!team || team.remoteId === null) return { kind: 'find-or-create', name: desired.displayName };
    return team.remoteName === desired.displayName
      ? { kind: 'keep' }
      : { kind: 'rename', name: desired.displayName };
  }
  if (!team || team.remoteId === null) return { kind: 'forget' };
  if (onGroupDelete === 'release' || team.ownership === 'adopted') return { kind: 'release' };
  return { kind: 'delete' };
}
