import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IntegerColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/** When an integration is due for anything except new changes: retries and re-checks. */
@Entity('integration_work')
@Index('integration_work_due', ['dueAt'])
export class IntegrationWork {
  @PrimaryIdColumn() integrationId: string;
  @TimeColumn({ nullable: true }) dueAt: number | null;
  /** The whole account is unresponsive: no attempt before this time. */
  @TimeColumn({ nullable: true }) notBefore: number | null;
  @IntegerColumn() failures: number;
  /** A request has made it due since its last run began. */
  @BooleanColumn() hurried: boolean;
  /** Retry everything that fails until then, and not only what was requested; null if not. */
  @BooleanColumn({ nullable: true }) forgets: boolean | null;
  /** When the next look at the whole target is due; null before the first one. */
  @TimeColumn({ nullable: true }) reconcileAt: number | null;
  /** When a look skipped remote groups that may differ, and asked for a second look. */
  @TimeColumn({ nullable: true }) secondLookAskedAt: number | null;
  /** When the whole target was last read. */
  @TimeColumn({ nullable: true }) reconciledAt: number | null;
  /** Looks at the whole target that failed in a row for a passing reason. */
  @IntegerColumn() reconcileFailures: number;
  /** Why the last look at the whole target did not see everything. */
  @TextColumn(64, { nullable: true }) reconcileReason: string | null;
  @TextColumn(1000, { nullable: true }) reconcileMessage: string | null;
  /** When every group that can be in step was in step for the first time. */
  @TimeColumn({ nullable: true }) firstSyncedAt: number | null;
  /** An admin confirmed that remote groups which are not visible were really deleted. */
  @BooleanColumn() acceptMissing: boolean;
}
