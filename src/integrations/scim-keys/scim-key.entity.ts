import { Entity, Index } from 'typeorm';
import { IdColumn, KeyColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../../database/column-types';

/** The credential of an IdP for one integration. Only the hash of the token is stored. */
@Entity('scim_key')
@Index('scim_key_token', ['tokenHash'], { unique: true })
@Index('scim_key_integration', ['integrationId', 'id'])
@Index('scim_key_live', ['integrationId', 'revokedAt', 'expiresAt'])
export class ScimKey {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  @TextColumn(200) name: string;
  @TextColumn(40) prefix: string;
  @KeyColumn(64) tokenHash: string;
  @TimeColumn() createdAt: number;
  @TimeColumn({ nullable: true }) expiresAt: number | null;
  @TimeColumn({ nullable: true }) lastUsedAt: number | null;
  @TimeColumn({ nullable: true }) revokedAt: number | null;
}
