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

/** How a group stands with its target, as every door shows it. */
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

/** `created` by us, or `adopted`: it was there already. */
export type Ownership = 'created' | 'adopted';

/** Committed before the one call that is not idempotent, for as long as it may have taken effect without our knowing. */
export interface CreateIntent {
  name: string;
  description: string;
  /** When it was about to be sent, or failed without an answer. */
  sentAt: number;
  /** `sentAt` of the first of these creations in a row; left out where this is the first. */
  since?: number;
}

/**
 * What we know of one group in the target, and our claim on it. It has an id of its own and outlives the IdP's group as
 * a tombstone until the target has let go.
 */
@Entity('remote_group')
@Index('remote_group_of_group', ['integrationId', 'groupId'], { unique: true })
@Index('remote_group_claim', ['accountIdentity', 'remoteId'], { unique: true })
@Index('remote_group_due', ['integrationId', 'nextAttemptAt'])
@Index('remote_group_name', ['integrationId', 'remoteNameKey'])
export class RemoteGroup {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Plain, without a foreign key: the group's row goes before this one does. */
  @IdColumn() groupId: string;
  /** The group's last known name, shown for a tombstone. */
  @TextColumn(256) groupName: string;
  @KeyColumn(255, { nullable: true }) accountIdentity: string | null;
  @KeyColumn(191, { nullable: true }) remoteId: string | null;
  /** The name as the target has it. */
  @TextColumn(256, { nullable: true }) remoteName: string | null;
  /** `IntegrationProvider.groupNameKey` of it, or of the name that is about to be created. */
  @KeyColumn(1100, { nullable: true }) remoteNameKey: string | null;
  @TextColumn(1000, { nullable: true }) remoteUrl: string | null;
  @TextColumn(16, { nullable: true }) ownership: Ownership | null;
  @JsonColumn({ nullable: true }) createIntent: CreateIntent | null;
  /** When our own creation of it was confirmed: for two minutes the target may still answer that it is not there. */
  @TimeColumn({ nullable: true }) createdRemotelyAt: number | null;
  /** Every item of this generation is applied, or parked in a row of its own. */
  @IntegerColumn() appliedGeneration: number;
  @TextColumn(16) state: GroupState;
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  @IntegerColumn() attempts: number;
  /** The earliest moment at which anything of this group is tried again by itself. */
  @TimeColumn({ nullable: true }) nextAttemptAt: number | null;
  /** Until then the group is not looked at, unless `blockedMark` is outdated. */
  @TimeColumn({ nullable: true }) notBefore: number | null;
  /** The change mark on which the target's refusal was given: a newer change is tried at once. */
  @IdColumn({ nullable: true }) blockedMark: string | null;
  /** Whether what keeps the team from having the group's name passes by itself; null while nothing does. */
  @TextColumn(16, { nullable: true }) nameKind: ParkedKind | null;
  @TextColumn(64, { nullable: true }) nameReason: string | null;
  @TextColumn(1000, { nullable: true }) nameMessage: string | null;
  @IntegerColumn() nameAttempts: number;
  @TimeColumn({ nullable: true }) nameNextAttemptAt: number | null;
  /** Rises before every write of ours to the target, so that an older reading of it is never believed. */
  @IntegerColumn() writeSeq: number;
  @TimeColumn({ nullable: true }) lastWriteAt: number | null;
  /** When an admin wanted it tried again, since the last run began. */
  @TimeColumn({ nullable: true }) askedAt: number | null;
  /** Set on a tombstone: since when the IdP wants the group gone. */
  @TimeColumn({ nullable: true }) deletingSince: number | null;
  /** When the guard let that pass: it counts once, however often it is tried. */
  @TimeColumn({ nullable: true }) letThroughAt: number | null;
}
