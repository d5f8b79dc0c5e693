import { Entity } from 'typeorm';
import { IdColumn, IntegerColumn, PrimaryIdColumn, TimeColumn } from '../../database/column-types';

/** Which process may write to an integration's target now. The row stays: its token rises with each owner. */
@Entity('lease')
export class LeaseRow {
  @PrimaryIdColumn() integrationId: string;
  @IdColumn({ nullable: true }) owner: string | null;
  @IntegerColumn() token: number;
  /** By the database's clock. */
  @TimeColumn() expiresAt: number;
}
