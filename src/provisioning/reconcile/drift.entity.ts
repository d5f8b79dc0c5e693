import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IdColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';
import type { DriftKind } from './drift';

/** A change by hand that reconciliation found, for as long as it lasts. */
@Entity('drift')
@Index('drift_of', ['integrationId', 'groupId', 'kind', 'subject'], { unique: true })
export class Drift {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Empty for drift about a remote user in any group. */
  @IdColumn() groupId: string;
  @TextColumn(32) kind: DriftKind;
  /** The remote user; empty for drift of the group itself. */
  @KeyColumn(191) subject: string;
  @TextColumn(1000) message: string;
  /** When it was seen first. */
  @TimeColumn() since: number;
  /** When it was seen last: drift that a later complete reconciliation does not see is over. */
  @TimeColumn() seenAt: number;
  /** Whether the engine repairs it. */
  @BooleanColumn() repaired: boolean;
}
