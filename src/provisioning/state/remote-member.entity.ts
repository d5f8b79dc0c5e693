import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IdColumn,
  IntegerColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';
import type { ParkedKind } from './parked-member.entity';

/** `adding` and `removing` are committed before the call, and the call is repeated until an answer is recorded. */
export type RemoteMemberState = 'adding' | 'present' | 'removing';

/**
 * One member of one remote group, by the target's own id. It never refers to `RemoteUser`, so a new link cannot
 * lose the real members of the remote group.
 */
@Entity('remote_member')
@Index('remote_member_due', ['remoteGroupId', 'nextAttemptAt'])
@Index('remote_member_kind', ['remoteGroupId', 'kind', 'nextAttemptAt'])
@Index('remote_member_user', ['remoteUserId'])
export class RemoteMember {
  @PrimaryIdColumn() remoteGroupId: string;
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  @TextColumn(16) state: RemoteMemberState;
  /** The engine may remove the member: it was both desired and present at some time, or the engine added it. */
  @BooleanColumn() managed: boolean;
  /** A member from before the group was adopted: a release keeps it. */
  @BooleanColumn() preexisting: boolean;
  @TextColumn(32, { nullable: true }) role: string | null;
  /** Whether the problem of a removal passes by itself; null while the removal is in progress. */
  @TextColumn(16, { nullable: true }) kind: ParkedKind | null;
  /** Why the removal is not done yet. */
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  /** Calls in a row with a passing failure. */
  @IntegerColumn() attempts: number;
  /** Refused calls in a row; null for none. */
  @IntegerColumn({ nullable: true }) refusals: number | null;
  @TimeColumn({ nullable: true }) nextAttemptAt: number | null;
  /** Since when additions get "not found" although remote group and remote user exist. */
  @TimeColumn({ nullable: true }) notFoundSince: number | null;
  /** The member was to leave and is wanted again: after a refused addition it may still be a member. */
  @BooleanColumn({ nullable: true }) mayBeMember: boolean | null;
  /** When the engine planned the addition; null for a member that it did not add. */
  @TimeColumn({ nullable: true }) joinedAt: number | null;
  /** When the log reported that the target keeps this leaver. */
  @TimeColumn({ nullable: true }) keptLeaverAt: number | null;
  /** The request that caused the call, if known. */
  @IdColumn({ nullable: true }) cause: string | null;
}
