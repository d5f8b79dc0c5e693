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

/** Set by people only; when the engine itself must stop it sets a suspension beside it. */
export const INTEGRATION_MODES = ['paused', 'enabled', 'disabled'] as const;
export type IntegrationMode = (typeof INTEGRATION_MODES)[number];

/** What becomes of the teams of an integration that is deleted. */
export const DELETED_TEAMS = ['leave', 'release', 'delete'] as const;
export type DeletedTeams = (typeof DELETED_TEAMS)[number];

export type ConnectionStatus = 'unknown' | 'ok' | 'failed';

/** One configured connection of a tenant to one target. */
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
  /** Rises with every change that a running engine has to notice. */
  @IntegerColumn() revision: number;
  @JsonColumn() settings: object;
  @LongTextColumn() secretCiphertext: string;
  @TextColumn(16) secretKeyId: string;
  @JsonColumn() policies: IntegrationPolicies;
  @KeyColumn(255, { nullable: true }) accountIdentity: string | null;
  @TextColumn(255, { nullable: true }) accountName: string | null;
  @TextColumn(1000, { nullable: true }) accountUrl: string | null;
  /** The `revision` at which the account was last compared with the recorded one. */
  @IntegerColumn({ nullable: true }) accountCheckedRevision: number | null;
  @TextColumn(16) connectionStatus: ConnectionStatus;
  @TextColumn(64, { nullable: true }) connectionReason: string | null;
  @TextColumn(1000, { nullable: true }) connectionMessage: string | null;
  @TimeColumn({ nullable: true }) connectionCheckedAt: number | null;
  /** An admin deleted it: it is there until its teams are let go and its rows are gone. */
  @TimeColumn({ nullable: true }) deletingSince: number | null;
  @TextColumn(16, { nullable: true }) deletingTeams: DeletedTeams | null;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
