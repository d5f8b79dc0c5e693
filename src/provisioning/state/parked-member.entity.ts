import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/** `waiting` for something that people must do, or a `passing` failure that heals by itself. */
export type ParkedKind = 'waiting' | 'passing';

/** A desired member who could not be added yet: with the reason, and when it is tried next. */
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
  /** Request that put the person into the group, as far as one is known. */
  @IdColumn({ nullable: true }) cause: string | null;
}
