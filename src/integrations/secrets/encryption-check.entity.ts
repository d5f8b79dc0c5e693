import { Entity } from 'typeorm';
import { LongTextColumn, PrimaryIdColumn, TextColumn } from '../../database/column-types';

/** One row, encrypted like a secret. It shows the key of a database that has no secrets yet. */
@Entity('encryption_check')
export class EncryptionCheck {
  @PrimaryIdColumn() id: string;
  @LongTextColumn() ciphertext: string;
  @TextColumn(16) keyId: string;
}
