import { Entity, Index } from 'typeorm';
import { IdColumn, KeyColumn, TimeColumn } from '../../database/column-types';

/** A creation that a client may repeat. Neither its body nor its response is stored. */
@Entity('idempotency_key')
@Index('idempotency_key_age', ['createdAt'])
export class IdempotencyKey {
  /** SHA-256 of caller, route and Idempotency-Key. */
  @KeyColumn(64, { primary: true }) request: string;
  /** HMAC of the body. */
  @KeyColumn(64) body: string;
  /** Id of the created resource. */
  @IdColumn() resourceId: string;
  @TimeColumn() createdAt: number;
}
