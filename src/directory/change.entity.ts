import { Entity, Index } from 'typeorm';
import { BooleanColumn, IdColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

/** What an admin decided to become of the remote group of one that is gone, whatever the integration's policy is. */
export const RELEASE_MODES = ['leave', 'release'] as const;
export type ReleaseMode = (typeof RELEASE_MODES)[number];

/**
 * "Compare this group again." Written in the transaction of the change with a fresh mark; deleted by the engine if the
 * mark is still the one it read before it looked.
 */
@Entity('group_change')
@Index('group_change_due', ['integrationId', 'since'])
@Index('group_change_by_size', ['integrationId', 'large', 'lookUps', 'whole', 'since'])
export class GroupChange {
  @PrimaryIdColumn() groupId: string;
  @IdColumn() integrationId: string;
  @IdColumn() mark: string;
  /** The latest request that asked for it. */
  @IdColumn({ nullable: true }) cause: string | null;
  /** Every member has to be compared, not only the pairs in `member_change`. */
  @BooleanColumn() whole: boolean;
  /** The latest request that asked for that; null while the engine alone did. */
  @IdColumn({ nullable: true }) wholeCause: string | null;
  @TextColumn(16, { nullable: true }) letGo: ReleaseMode | null;
  /** When the oldest change that is not yet looked at came. */
  @TimeColumn() since: number;
  /** The engine found that it has much to do for it: groups with less go first. Null as long as it has not. */
  @BooleanColumn({ nullable: true }) large: boolean | null;
  /** The engine found that people of it have to be looked up: groups of which all are known go first. Null as long as it has not. */
  @BooleanColumn({ nullable: true }) lookUps: boolean | null;
}

/** "Compare this person in this group again." Never without its `GroupChange`. */
@Entity('member_change')
@Index('member_change_user', ['userId'])
@Index('member_change_leavers', ['leaverOf', 'groupId'])
@Index('member_change_small', ['smallOf', 'groupId'])
export class MemberChange {
  @PrimaryIdColumn() groupId: string;
  @PrimaryIdColumn() userId: string;
  @IdColumn() mark: string;
  /** The latest request that asked for it. */
  @IdColumn({ nullable: true }) cause: string | null;
  /** The integration, where the person left the IdP and may still be in the team: that goes before everything else. */
  @IdColumn({ nullable: true }) leaverOf: string | null;
  /** The integration, where few people of the group changed at once: they do not wait until a large change of it is done. */
  @IdColumn({ nullable: true }) smallOf: string | null;
}
