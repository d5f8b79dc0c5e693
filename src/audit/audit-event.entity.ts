import { Entity, Index } from 'typeorm';
import { IdColumn, JsonColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

export type AuditOutcome = 'succeeded' | 'failed';

/** One thing that somebody did. Rows are only ever added. */
@Entity('audit_event')
@Index('audit_event_tenant', ['tenantId', 'id'])
@Index('audit_event_integration', ['integrationId', 'id'])
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
}
