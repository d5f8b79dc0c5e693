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

/** `adding` and `removing` are committed before the call is sent, and sent again until an answer is recorded. */
export type RemoteMemberState = 'adding' | 'present' | 'removing';

/**
 * One person in one remote group, by the target's own id: it never refers to `RemoteUser`, so a new link cannot lose
 * who is really in the team.
 */
@Entity('remote_member')
@Index('remote_member_due', ['remoteGroupId', 'nextAttemptAt'])
@Index('remote_member_kind', ['remoteGroupId', 'kind', 'nextAttemptAt'])
@Index('remote_member_user', ['remoteUserId'])
export class RemoteMember {
  @PrimaryIdColumn() remoteGroupId: string;
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  @TextColumn(16) state: RemoteMemberState;
  /** Once both desired and seen present, or added by us: ours to remove. */
  @BooleanColumn() managed: boolean;
  /** In the team before us: a release leaves them in. */
  @BooleanColumn() preexisting: boolean;
  @TextColumn(32, { nullable: true }) role: string | null;
  /** Whether what keeps `removing` from being done passes by itself; null while it is under way. */
  @TextColumn(16, { nullable: true }) kind: ParkedKind | null;
  /** Why it is not done yet. */
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  /** Calls in a row that failed in passing. */
  @IntegerColumn() attempts: number;
  /** Calls in a row that were refused; null for none. */
  @IntegerColumn({ nullable: true }) refusals: number | null;
  @TimeColumn({ nullable: true }) nextAttemptAt: number | null;
  /** Since when the target finds nothing to add them to, although team and person are there. */
  @TimeColumn({ nullable: true }) notFoundSince: number | null;
  /** They were to leave and are wanted again: a refused addition does not mean that they are not in the team. */
  @BooleanColumn({ nullable: true }) mayBeMember: boolean | null;
  /** When it was planned that they join; null for those who were there by themselves. */
  @TimeColumn({ nullable: true }) joinedAt: number | null;
  /** When the log said that the target keeps them although they left the IdP. */
  @TimeColumn({ nullable: true }) keptLeaverAt: number | null;
  /** Request for which the call is made, as far as one is known. */
  @IdColumn({ nullable: true }) cause: string | null;
}
