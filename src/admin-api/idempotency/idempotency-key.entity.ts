import { Entity, Index } from 'typeorm';
import { IdColumn, KeyColumn, TimeColumn } from '../../database/column-types';

/** A creation that may be asked for again. Neither its body nor its answer is kept. */
@Entity('idempotency_key')
@Index('idempotency_key_age', ['createdAt'])
export class IdempotencyKey {
  /** SHA-256 of who asked, for what, under which key. */
  @KeyColumn(64, { primary: true }) request: string;
  /** HMAC of the body. */
  @KeyColumn(64) body: string;
  /** What was made. */
  @IdColumn() resourceId: string;
  @TimeColumn() createdAt: number;
}
