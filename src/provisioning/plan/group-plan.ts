import {
  CHANGE_NOT_FOUND,
  GROUP_GONE,
  GROUP_NOT_VISIBLE_YET,
} from '../../integrations/provider/provider-error';
import type { CreateIntent, GroupState, Ownership } from '../state/remote-group.entity';

/** The remote group as recorded; null before the engine did anything for the group. */
export interface KnownRemoteGroup {
  remoteId: string | null;
  ownership: Ownership | null;
  createIntent: CreateIntent | null;
}

/** An earlier creation may have happened: look up its name before anything else. */
interface ResumeCreate {
  kind: 'resume-create';
  intent: CreateIntent;
}

export type GroupAction =
  | ResumeCreate
  /** Look up the name: adopt an existing remote group, else create one. */
  | { kind: 'find-or-create'; name: string }
  | { kind: 'keep' };

/**
 * What to do about the remote group of a live group. Pure. `planName` decides about the name of a group that is
 * kept.
 *
 * | remote group           | then           |
 * | ---------------------- | -------------- |
 * | creation not confirmed | resume-create  |
 * | none                   | find-or-create |
 * | exists                 | keep           |
 */
export function planGroup(desired: { displayName: string }, team: KnownRemoteGroup | null): GroupAction {
  if (team !== null && team.remoteId !== null) return { kind: 'keep' };
  return team?.createIntent
    ? { kind: 'resume-create', intent: team.createIntent }
    : { kind: 'find-or-create', name: desired.displayName };
}

export type ReleaseAction =
  | ResumeCreate
  | { kind: 'delete' }
  /** Remove the members that we added, keep the remote group. */
  | { kind: 'release' }
  /** Drop the claim, make no call. */
  | { kind: 'forget' };

/**
 * What to do about the remote group of a deleted group. Pure.
 *
 * | remote group           | mode              | then          |
 * | ---------------------- | ----------------- | ------------- |
 * | any                    | leave             | forget        |
 * | creation not confirmed | release or delete | resume-create |
 * | none                   | any               | forget        |
 * | adopted                | release or delete | release       |
 * | created by us          | release           | release       |
 * | created by us          | delete            | delete        |
 */
export function planRelease(
  team: KnownRemoteGroup | null,
  mode: 'delete' | 'release' | 'leave',
): ReleaseAction {
  if (mode === 'leave' || team === null) return { kind: 'forget' };
  if (team.remoteId === null) {
    return team.createIntent ? { kind: 'resume-create', intent: team.createIntent } : { kind: 'forget' };
  }
  return { kind: team.ownership === 'adopted' ? 'release' : mode };
}

/**
 * Whether the deletion of a remote group failed and its next attempt is not due yet. An admin's retry or a changed
 * policy clears that time. Pure.
 */
export function isPostponed(
  { deletingSince, notBefore }: { deletingSince: number | null; notBefore: number | null },
  now: number,
): boolean {
  return deletingSince !== null && notBefore !== null && Number(notBefore) > now;
}

/** What is recorded of a remote group that is to be deleted. */
export interface Tombstone {
  deletingSince: number | null;
  lastWriteAt: number | null;
  state: GroupState;
  reason: string | null;
}

/**
 * Whether a deletion of ours may have taken effect unnoticed. If such a remote group is missing, we probably
 * deleted it ourselves. If any other is missing, the credential may just not see it any more. Pure.
 *
 * | the last call for it                       | then |
 * | ------------------------------------------ | ---- |
 * | before the IdP deleted the group           | no   |
 * | a deletion that was refused                | no   |
 * | a deletion that got "not found"            | no   |
 * | the same, while the remote group was shown | yes  |
 * | a deletion that failed or was cut off      | yes  |
 */
export function mayBeDeletedByUs({ deletingSince, lastWriteAt, state, reason }: Tombstone): boolean {
  if (deletingSince === null || Number(lastWriteAt ?? 0) < Number(deletingSince)) return false;
  if (reason === CHANGE_NOT_FOUND) return true;
  return state !== 'blocked' && reason !== GROUP_GONE && reason !== GROUP_NOT_VISIBLE_YET;
}
