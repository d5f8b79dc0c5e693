import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  LongTextColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../database/column-types';
import type { IntegrationPolicies } from './policies';

/** Only admins and operators change the mode. When the engine must stop, it sets a suspension instead. */
export const INTEGRATION_MODES = ['paused', 'enabled', 'disabled'] as const;
export type IntegrationMode = (typeof INTEGRATION_MODES)[number];

/** What Scimify does with the teams of a deleted integration. */
export const DELETED_TEAMS = ['leave', 'release', 'delete'] as const;
export type DeletedTeams = (typeof DELETED_TEAMS)[number];

export type ConnectionStatus = 'unknown' | 'ok' | 'failed';

/** Connects one tenant to one account of a target. */
@Entity('integration')
@Index('integration_tenant', ['tenantId', 'id'])
@Index('integration_deleting', ['deletingSince'])
export class Integration {
  @PrimaryIdColumn() id: string;
  @IdColumn() tenantId: string;
  /** `IntegrationProvider.type` */
  @TextColumn(32) provider: string;
  @TextColumn(200) name: string;
  @TextColumn(16) mode: IntegrationMode;
  @TextColumn(64, { nullable: true }) suspensionReason: string | null;
  @TextColumn(1000, { nullable: true }) suspensionMessage: string | null;
  @TimeColumn({ nullable: true }) suspendedSince: number | null;
  @TimeColumn({ nullable: true }) nextProbeAt: number | null;
  /** Rises with every change that a running engine must notice. */
  @IntegerColumn() revision: number;
  @JsonColumn() settings: object;
  @LongTextColumn() secretCiphertext: string;
  @TextColumn(16) secretKeyId: string;
  @JsonColumn() policies: IntegrationPolicies;
  @KeyColumn(255, { nullable: true }) accountIdentity: string | null;
  @TextColumn(255, { nullable: true }) accountName: string | null;
  @TextColumn(1000, { nullable: true }) accountUrl: string | null;
  /** The `revision` at the last comparison of the account with the recorded one. */
  @IntegerColumn({ nullable: true }) accountCheckedRevision: number | null;
  @TextColumn(16) connectionStatus: ConnectionStatus;
  @TextColumn(64, { nullable: true }) connectionReason: string | null;
  @TextColumn(1000, { nullable: true }) connectionMessage: string | null;
  @TimeColumn({ nullable: true }) connectionCheckedAt: number | null;
  /** When an admin deleted it. The row stays until its teams are handled and its other rows are removed. */
  @TimeColumn({ nullable: true }) deletingSince: number | null;
  @TextColumn(16, { nullable: true }) deletingTeams: DeletedTeams | null;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
