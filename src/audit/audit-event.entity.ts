import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../database/column-types';

export type AuditOutcome = 'succeeded' | 'failed';

/** One action. Rows are only added, except that a failed attempt counts its equal failures. */
@Entity('audit_event')
@Index('audit_event_tenant', ['tenantId', 'id'])
@Index('audit_event_integration', ['integrationId', 'id'])
@Index('audit_event_attempt', ['attemptKey'])
export class AuditEvent {
  /** A UUIDv7, so the order of ids is the order of time. */
  @PrimaryIdColumn() id: string;
  @TimeColumn() at: number;
  @IdColumn({ nullable: true }) tenantId: string | null;
  @IdColumn({ nullable: true }) integrationId: string | null;
  @TextColumn(16) actorKind: string;
  @TextColumn(200) actorName: string;
  @TextColumn(40, { nullable: true }) actorKeyPrefix: string | null;
  /** `noun.verb`, e.g. `integration.enabled`. */
  @TextColumn(64) action: string;
  @TextColumn(32) targetType: string;
  @TextColumn(200) targetId: string;
  @TextColumn(16) outcome: AuditOutcome;
  @IdColumn({ nullable: true }) requestId: string | null;
  @JsonColumn({ nullable: true }) detail: object | null;
  /** Key of a repeated attempt. Set only while this failure is the last event of the attempt. */
  @KeyColumn(64, { nullable: true }) attemptKey: string | null;
  /** Number of equal failures in a row. Null for one. */
  @IntegerColumn({ nullable: true }) attempts: number | null;
  /** Time of the last equal failure. Null if there was only one. */
  @TimeColumn({ nullable: true }) lastAt: number | null;
}
