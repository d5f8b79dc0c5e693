import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IntegerColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/** When an integration is due for anything but a fresh change: retries and re-checks. */
@Entity('integration_work')
@Index('integration_work_due', ['dueAt'])
export class IntegrationWork {
  @PrimaryIdColumn() integrationId: string;
  @TimeColumn({ nullable: true }) dueAt: number | null;
  /** The whole account is away: nothing is tried before. */
  @TimeColumn({ nullable: true }) notBefore: number | null;
  @IntegerColumn() failures: number;
  /** It was made due by somebody since its last run began. */
  @BooleanColumn() hurried: boolean;
  /** Everything that fails until then is to be tried again, and not only what was asked for; null where that is not so. */
  @BooleanColumn({ nullable: true }) forgets: boolean | null;
  /** When the target is to be looked at as a whole again; null before the first time. */
  @TimeColumn({ nullable: true }) reconcileAt: number | null;
  /** When a look left teams out that may differ, and was to be followed by a second one. */
  @TimeColumn({ nullable: true }) secondLookAskedAt: number | null;
  /** When everything of the target was read last. */
  @TimeColumn({ nullable: true }) reconciledAt: number | null;
  /** Looks in a row at the whole target that failed for a passing reason. */
  @IntegerColumn() reconcileFailures: number;
  /** Why the last look at the whole target did not see everything. */
  @TextColumn(64, { nullable: true }) reconcileReason: string | null;
  @TextColumn(1000, { nullable: true }) reconcileMessage: string | null;
  /** When every group that can be in step was so for the first time. */
  @TimeColumn({ nullable: true }) firstSyncedAt: number | null;
  /** An admin said that teams which are not to be seen were really deleted. */
  @BooleanColumn() acceptMissing: boolean;
}
