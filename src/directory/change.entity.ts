import { Entity, Index } from 'typeorm';
import { BooleanColumn, IdColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

/** An admin's decision about the remote group of a deleted group. It overrides the integration's policy. */
export const RELEASE_MODES = ['leave', 'release'] as const;
export type ReleaseMode = (typeof RELEASE_MODES)[number];

/**
 * "Compare this group again." Each change writes it in its own transaction, with a new mark. After the comparison the
 * engine deletes it, but only if the mark is still the one it read before.
 */
@Entity('group_change')
@Index('group_change_due', ['integrationId', 'since'])
@Index('group_change_by_size', ['integrationId', 'large', 'lookUps', 'whole', 'since'])
export class GroupChange {
  @PrimaryIdColumn() groupId: string;
  @IdColumn() integrationId: string;
  @IdColumn() mark: string;
  /** Id of the latest request that caused it. */
  @IdColumn({ nullable: true }) cause: string | null;
  /** The engine compares every member, not only those in `member_change`. */
  @BooleanColumn() whole: boolean;
  /** Id of the latest request that caused `whole`; null if only the engine did. */
  @IdColumn({ nullable: true }) wholeCause: string | null;
  @TextColumn(16, { nullable: true }) letGo: ReleaseMode | null;
  /** Time of the oldest change that the engine has not compared yet. */
  @TimeColumn() since: number;
  /** Many members of the group have to be compared: groups with fewer go first. Null until the engine knows. */
  @BooleanColumn({ nullable: true }) large: boolean | null;
  /** Some members need a look-up at the target: groups without look-ups go first. Null until the engine knows. */
  @BooleanColumn({ nullable: true }) lookUps: boolean | null;
}

/** "Compare this member of this group again." It never exists without its `GroupChange`. */
@Entity('member_change')
@Index('member_change_user', ['userId'])
@Index('member_change_leavers', ['leaverOf', 'groupId'])
@Index('member_change_small', ['smallOf', 'groupId'])
export class MemberChange {
  @PrimaryIdColumn() groupId: string;
  @PrimaryIdColumn() userId: string;
  @IdColumn() mark: string;
  /** Id of the latest request that caused it. */
  @IdColumn({ nullable: true }) cause: string | null;
  /** The integration, if the user left the IdP and may still be in the remote group: this goes before everything else. */
  @IdColumn({ nullable: true }) leaverOf: string | null;
  /** The integration, if few users of the group changed at once: they do not wait for a large change of the group. */
  @IdColumn({ nullable: true }) smallOf: string | null;
}
