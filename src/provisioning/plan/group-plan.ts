import {
  CHANGE_NOT_FOUND,
  GROUP_GONE,
  GROUP_NOT_VISIBLE_YET,
} from '../../integrations/provider/provider-error';
import type { CreateIntent, GroupState, Ownership } from '../state/remote-group.entity';

/** The team as we know it; null before anything was done for the group. */
export interface KnownRemoteGroup {
  remoteId: string | null;
  ownership: Ownership | null;
  createIntent: CreateIntent | null;
}

/** An earlier creation may have happened: look its name up before anything else. */
interface ResumeCreate {
  kind: 'resume-create';
  intent: CreateIntent;
}

export type GroupAction =
  | ResumeCreate
  /** Look the name up: adopt what is there, else create. */
  | { kind: 'find-or-create'; name: string }
  | { kind: 'keep' };

/**
 * What has to be done about the team of a group that the IdP wants. Pure. What a team that is kept is called, `planName`
 * decides.
 *
 * | team                   | then           |
 * | ---------------------- | -------------- |
 * | creation not confirmed | resume-create  |
 * | none                   | find-or-create |
 * | there                  | keep           |
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
  /** The members that we added leave, the team stays. */
  | { kind: 'release' }
  /** The claim is forgotten, nothing is called. */
  | { kind: 'forget' };

/**
 * What has to be done about the team of a group that is deleted. Pure.
 *
 * | team                   | mode    | then          |
 * | ---------------------- | ------- | ------------- |
 * | any                    | leave   | forget        |
 * | creation not confirmed | another | resume-create |
 * | none                   | any     | forget        |
 * | adopted                | another | release       |
 * | created by us          | release | release       |
 * | created by us          | delete  | delete        |
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
 * Whether the deletion of a team failed and is not to be tried yet. Whoever wants it tried at once, an admin or another policy,
 * takes the time away. Pure.
 */
export function isPostponed(
  { deletingSince, notBefore }: { deletingSince: number | null; notBefore: number | null },
  now: number,
): boolean {
  return deletingSince !== null && notBefore !== null && Number(notBefore) > now;
}

/** What is known of a team that is to be deleted. */
export interface Tombstone {
  deletingSince: number | null;
  lastWriteAt: number | null;
  state: GroupState;
  reason: string | null;
}

/**
 * Whether a deletion of ours may have taken effect without our knowing. Where such a team is missing, that is our own doing;
 * any other may just as well be out of the credential's sight. Pure.
 *
 * | the last call for it                     | then |
 * | ---------------------------------------- | ---- |
 * | before the IdP deleted the group         | no   |
 * | a deletion that was refused              | no   |
 * | a deletion that found nothing            | no   |
 * | the same, of a team that was still shown | yes  |
 * | a deletion that failed or was cut off    | yes  |
 */
export function mayBeDeletedByUs({ deletingSince, lastWriteAt, state, reason }: Tombstone): boolean {
  if (deletingSince === null || Number(lastWriteAt ?? 0) < Number(deletingSince)) return false;
  if (reason === CHANGE_NOT_FOUND) return true;
  return state !== 'blocked' && reason !== GROUP_GONE && reason !== GROUP_NOT_VISIBLE_YET;
}
