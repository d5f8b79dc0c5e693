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

export type ConnectionStatus = 'unknown' | 'ok' | 'failed';

/** One configured connection of a tenant to one target. */
@Entity('integration')
@Index('integration_tenant', ['tenantId', 'id'])
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
  @TextColumn(16) connectionStatus: ConnectionStatus;
  @TextColumn(64, { nullable: true }) connectionReason: string | null;
  @TextColumn(1000, { nullable: true }) connectionMessage: string | null;
  @TimeColumn({ nullable: true }) connectionCheckedAt: number | null;
  @TimeColumn({ nullable: true }) deletingSince: number | null;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
