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
 * Somebody's removal from a team, or the team's deletion, that was let through last, for counting over the rolling window.
 * It stays when they are put back: whoever is in the team is not counted as gone.
 */
@Entity('guard_event')
@Index('guard_event_window', ['integrationId', 'at', 'remoteGroupId', 'remoteUserId'])
export class GuardEvent {
  @PrimaryIdColumn() remoteGroupId: string;
  /** Empty for the deletion of the team. */
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  @IdColumn() integrationId: string;
  /** Of whoever was removed: when they had joined the team before the window took them out, as far as we added them. */
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
  /** The group, where it is about one alone. */
  @IdColumn({ nullable: true }) groupId: string | null;
  @TextColumn(1000) message: string;
  @TimeColumn() createdAt: number;
  /** Rises with whatever is added to it. */
  @IntegerColumn() revision: number;
  /** The revision at which it was listed last; null before that. */
  @IntegerColumn({ nullable: true }) listedRevision: number | null;
  /** Null while it waits. */
  @TextColumn(16, { nullable: true }) decision: HeldDecision | null;
  @TimeColumn({ nullable: true }) decidedAt: number | null;
  @TextColumn(200, { nullable: true }) decidedBy: string | null;
  @TextColumn(1000, { nullable: true }) note: string | null;
}

/**
 * `held` until it is decided; `approved` may be carried out as long as it is wanted; `pinned` is not carried out until
 * the IdP changes its mind about it, or the pin is lifted.
 */
export type HeldItemState = 'held' | 'approved' | 'pinned';

/** One person's removal from one team, or a team's deletion (no subject). */
@Entity('held_item')
@Index('held_item_in_change', ['heldChangeId', 'groupId', 'subject'])
@Index('held_item_of_integration', ['integrationId', 'state'])
@Index('held_item_to_look_at', ['lookAt'])
@Index('held_item_of_leaver', ['groupId', 'leaverToldAt', 'subject'])
export class HeldItem {
  @PrimaryIdColumn() groupId: string;
  /** Remote user; empty for the deletion of the team. */
  @KeyColumn(191, { primary: true }) subject: string;
  @IdColumn() heldChangeId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) state: HeldItemState;
  /** The revision of the change with which it came. */
  @IntegerColumn() revision: number;
  @TimeColumn({ nullable: true }) heldAt: number | null;
  /** When to look whether it is of somebody who left the IdP and waits for too long; null where nobody waits. */
  @TimeColumn({ nullable: true }) lookAt: number | null;
  /** When it was told that it is; null where it is not. */
  @TimeColumn({ nullable: true }) leaverToldAt: number | null;
}
