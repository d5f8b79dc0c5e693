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

/** A change by hand that reconciliation found, as long as it is so. */
@Entity('drift')
@Index('drift_of', ['integrationId', 'groupId', 'kind', 'subject'], { unique: true })
export class Drift {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Empty where it is about a person in whatever team. */
  @IdColumn() groupId: string;
  @TextColumn(32) kind: DriftKind;
  /** The remote user it is about; empty where it is about the team itself. */
  @KeyColumn(191) subject: string;
  @TextColumn(1000) message: string;
  /** When it was first seen. */
  @TimeColumn() since: number;
  /** When it was seen last: what a later complete reconciliation does not see is over. */
  @TimeColumn() seenAt: number;
  /** Whether the engine undoes it. */
  @BooleanColumn() repaired: boolean;
}
