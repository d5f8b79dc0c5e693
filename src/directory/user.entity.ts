import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IdColumn,
  IntegerColumn,
  KeyColumn,
  LongTextColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../database/column-types';

/**
 * A user as the IdP wants it. SQL searches the columns. A client reads `resource`: the serialised default representation
 * without `meta` and `groups`, which each read adds.
 */
@Entity('scim_user')
@Index('scim_user_integration', ['integrationId', 'id'], { unique: true })
@Index('scim_user_name', ['integrationId', 'userNameKey'], { unique: true })
@Index('scim_user_by_external_id', ['integrationId', 'externalIdKey', 'id'])
@Index('scim_user_by_creation', ['integrationId', 'createdAt', 'id'])
@Index('scim_user_by_change', ['integrationId', 'lastModified', 'id'])
@Index('scim_user_email', ['integrationId', 'emailKey'])
@Index('scim_user_deleted', ['deletedAt'])
export class ScimUser {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Folded; null once deleted, so that a new user can take the name. */
  @KeyColumn(1100, { nullable: true }) userNameKey: string | null;
  /** Not folded; null if there is none, and once deleted. */
  @KeyColumn(1100, { nullable: true }) externalIdKey: string | null;
  /** Folded address by which the target finds the user. */
  @KeyColumn(1100, { nullable: true }) emailKey: string | null;
  @TextColumn(256) userName: string;
  @TextColumn(1000) displayName: string;
  @TextColumn(256, { nullable: true }) email: string | null;
  /** JSON of the other attributes that the target needs of the user; null if it needs none. */
  @LongTextColumn({ nullable: true }) targetAttributes: string | null;
  /** Hash of `targetAttributes`, for comparisons in SQL. */
  @KeyColumn(64, { nullable: true }) targetAttributesKey: string | null;
  @BooleanColumn() active: boolean;
  /** Rises when the IdP uses the same id for another person: the link to a remote user is then no longer valid. */
  @IntegerColumn() incarnation: number;
  @IntegerColumn() version: number;
  @LongTextColumn() resource: string;
  @TimeColumn() createdAt: number;
  @TimeColumn() lastModified: number;
  @TimeColumn({ nullable: true }) deletedAt: number | null;
}
