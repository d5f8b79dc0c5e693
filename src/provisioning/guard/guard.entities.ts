import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/**
 * The last removal of a member, or the deletion of a remote group, that the guard let through; for the counts of
 * the rolling window. The row stays when the member comes back: current members do not count as removed.
 */
@Entity('guard_event')
@Index('guard_event_window', ['integrationId', 'at', 'remoteGroupId', 'remoteUserId'])
export class GuardEvent {
  @PrimaryIdColumn() remoteGroupId: string;
  /** Empty for the deletion of the remote group. */
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  @IdColumn() integrationId: string;
  /** When the removed member had joined before the window, if the engine added it. */
  @TimeColumn({ nullable: true }) joinedAt: number | null;
  @TimeColumn() at: number;
}

export type HeldDecision = 'approved' | 'rejected';

/** Removals and deletions of one scope that wait for an admin. */
@Entity('held_change')
@Index('held_change_open', ['integrationId', 'decision'])
export class HeldChange {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) scope: 'team' | 'integration' | 'deletions';
  /** The group, if the change is about one group only. */
  @IdColumn({ nullable: true }) groupId: string | null;
  @TextColumn(1000) message: string;
  @TimeColumn() createdAt: number;
  /** Rises with each addition. */
  @IntegerColumn() revision: number;
  /** The revision of the last listing; null before the first. */
  @IntegerColumn({ nullable: true }) listedRevision: number | null;
  /** Null until an admin decides. */
  @TextColumn(16, { nullable: true }) decision: HeldDecision | null;
  @TimeColumn({ nullable: true }) decidedAt: number | null;
  @TextColumn(200, { nullable: true }) decidedBy: string | null;
  @TextColumn(1000, { nullable: true }) note: string | null;
}

/**
 * `held`: waits for a decision. `approved`: may be carried out as long as the IdP wants it. `pinned`: not carried
 * out until the IdP withdraws it or an admin lifts the pin.
 */
export type HeldItemState = 'held' | 'approved' | 'pinned';

/** The removal of one member from one remote group, or the deletion of the group (no subject). */
@Entity('held_item')
@Index('held_item_in_change', ['heldChangeId', 'groupId', 'subject'])
@Index('held_item_of_integration', ['integrationId', 'state'])
@Index('held_item_to_look_at', ['lookAt'])
@Index('held_item_of_leaver', ['groupId', 'leaverToldAt', 'subject'])
export class HeldItem {
  @PrimaryIdColumn() groupId: string;
  /** Remote user; empty for the deletion of the remote group. */
  @KeyColumn(191, { primary: true }) subject: string;
  @IdColumn() heldChangeId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) state: HeldItemState;
  /** The revision of the change that added the item. */
  @IntegerColumn() revision: number;
  @TimeColumn({ nullable: true }) heldAt: number | null;
  /**
   * When to check whether the item is about a leaver and waits too long; null without a member or after a
   * decision.
   */
  @TimeColumn({ nullable: true }) lookAt: number | null;
  /** When that was reported; null if it was not. */
  @TimeColumn({ nullable: true }) leaverToldAt: number | null;
}
