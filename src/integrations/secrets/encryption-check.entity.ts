import { Entity } from 'typeorm';
import { LongTextColumn, PrimaryIdColumn, TextColumn } from '../../database/column-types';

/** One row, sealed like a secret: it tells which key a database belongs to that holds no secrets yet. */
@Entity('encryption_check')
export class EncryptionCheck {
  @PrimaryIdColumn() id: string;
  @LongTextColumn() ciphertext: string;
  @TextColumn(16) keyId: string;
}
