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

/** One thing that somebody did. Rows are only ever added; one of an attempt that failed counts those that failed the same way. */
@Entity('audit_event')
@Index('audit_event_tenant', ['tenantId', 'id'])
@Index('audit_event_integration', ['integrationId', 'id'])
@Index('audit_event_attempt', ['attemptKey'])
export class AuditEvent {
  /** UUIDv7: its order is the order of time. */
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
  /** Of what is attempted, for as long as this is the last that was heard of it and it failed. */
  @KeyColumn(64, { nullable: true }) attemptKey: string | null;
  /** How often that was attempted and failed, without a word in between of anything else; null for once. */
  @IntegerColumn({ nullable: true }) attempts: number | null;
  /** When it failed last; null for once. */
  @TimeColumn({ nullable: true }) lastAt: number | null;
}
