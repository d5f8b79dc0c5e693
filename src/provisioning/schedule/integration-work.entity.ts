import { Entity, Index } from 'typeorm';
import { BooleanColumn, IntegerColumn, PrimaryIdColumn, TimeColumn } from '../../database/column-types';

/** When an integration is due for anything but a fresh change: retries and re-checks. */
@Entity('integration_work')
@Index('integration_work_due', ['dueAt'])
export class IntegrationWork {
  @PrimaryIdColumn() integrationId: string;
  @TimeColumn({ nullable: true }) dueAt: number | null;
  /** The whole account is away: nothing is tried before. */
  @TimeColumn({ nullable: true }) notBefore: number | null;
  @IntegerColumn() failures: number;
  /** When the target is to be looked at as a whole again; null before the first time. */
  @TimeColumn({ nullable: true }) reconcileAt: number | null;
  /** An admin said that teams which are not to be seen were really deleted. */
  @BooleanColumn() acceptMissing: boolean;
}
