import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';
import type { ParkedKind } from './parked-member.entity';

/** The states of a group, as all API endpoints show them. */
export const GROUP_STATES = [
  'pending',
  'syncing',
  'synced',
  'partial',
  'retrying',
  'blocked',
  'held',
] as const;
export type GroupState = (typeof GROUP_STATES)[number];

/** `created` by us, or `adopted`: it existed before. */
export type Ownership = 'created' | 'adopted';

/**
 * Committed before the one call that is not idempotent, and kept as long as that call may have taken effect
 * unnoticed.
 */
export interface CreateIntent {
  name: string;
  description: string;
  /** When the call was about to be sent, or failed without an answer. */
  sentAt: number;
  /** `sentAt` of the first such creation in a row; left out for the first one. */
  since?: number;
}

/**
 * The record of one remote group, and our claim on it. It has an id of its own. It outlives the IdP's group as a
 * tombstone until the remote group is released or deleted.
 */
@Entity('remote_group')
@Index('remote_group_of_group', ['integrationId', 'groupId'], { unique: true })
@Index('remote_group_claim', ['accountIdentity', 'remoteId'], { unique: true })
@Index('remote_group_due', ['integrationId', 'nextAttemptAt'])
@Index('remote_group_name', ['integrationId', 'remoteNameKey'])
export class RemoteGroup {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Without a foreign key: the row of the group is deleted before this one. */
  @IdColumn() groupId: string;
  /** The last known name of the group, shown for a tombstone. */
  @TextColumn(256) groupName: string;
  @KeyColumn(255, { nullable: true }) accountIdentity: string | null;
  @KeyColumn(191, { nullable: true }) remoteId: string | null;
  /** The name in the target. */
  @TextColumn(256, { nullable: true }) remoteName: string | null;
  /** `IntegrationProvider.groupNameKey` of that name, or of the name of a creation in progress. */
  @KeyColumn(1100, { nullable: true }) remoteNameKey: string | null;
  @TextColumn(1000, { nullable: true }) remoteUrl: string | null;
  @TextColumn(16, { nullable: true }) ownership: Ownership | null;
  @JsonColumn({ nullable: true }) createIntent: CreateIntent | null;
  /** When our creation was confirmed: for two minutes after that the target may still answer "not found". */
  @TimeColumn({ nullable: true }) createdRemotelyAt: number | null;
  /** All changes up to this generation are applied, or parked in rows of their own. */
  @IntegerColumn() appliedGeneration: number;
  @TextColumn(16) state: GroupState;
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  @IntegerColumn() attempts: number;
  /** The earliest automatic retry of anything in this group. */
  @TimeColumn({ nullable: true }) nextAttemptAt: number | null;
  /** The group is put off until then, unless `blockedMark` is outdated. */
  @TimeColumn({ nullable: true }) notBefore: number | null;
  /** The change mark at the time of the refusal: the engine processes a newer change at once. */
  @IdColumn({ nullable: true }) blockedMark: string | null;
  /** Whether the problem with the name passes by itself; null without a problem. */
  @TextColumn(16, { nullable: true }) nameKind: ParkedKind | null;
  @TextColumn(64, { nullable: true }) nameReason: string | null;
  @TextColumn(1000, { nullable: true }) nameMessage: string | null;
  @IntegerColumn() nameAttempts: number;
  @TimeColumn({ nullable: true }) nameNextAttemptAt: number | null;
  /** Rises before each of our writes to the target, so that the engine never trusts an older read of it. */
  @IntegerColumn() writeSeq: number;
  @TimeColumn({ nullable: true }) lastWriteAt: number | null;
  /** When an admin requested a retry since the last run began. */
  @TimeColumn({ nullable: true }) askedAt: number | null;
  /** Set on a tombstone: when the IdP deleted the group. */
  @TimeColumn({ nullable: true }) deletingSince: number | null;
  /** When the guard let the deletion through: it counts once, however many attempts it takes. */
  @TimeColumn({ nullable: true }) letThroughAt: number | null;
}
