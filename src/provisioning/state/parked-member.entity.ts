import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/** `waiting` for an action of an admin, or a `passing` failure that ends by itself. */
export type ParkedKind = 'waiting' | 'passing';

/** A desired member that could not be added yet, with the reason and the next attempt. */
@Entity('parked_member')
@Index('parked_member_due', ['remoteGroupId', 'kind', 'nextAttemptAt'])
@Index('parked_member_reason', ['remoteGroupId', 'reason', 'nextAttemptAt'])
export class ParkedMember {
  @PrimaryIdColumn() remoteGroupId: string;
  @PrimaryIdColumn() userId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) kind: ParkedKind;
  @TextColumn(64) reason: string;
  @TextColumn(1000) message: string;
  @IntegerColumn() attempts: number;
  @TimeColumn() nextAttemptAt: number;
  /** The request that added the user to the group, if known. */
  @IdColumn({ nullable: true }) cause: string | null;
}
