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
 * A person as the IdP wants them. The columns are what SQL looks for; `resource` is what a client reads: the serialised
 * default representation without `meta` and `groups`, which a read splices in.
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
  /** Folded; null once deleted, so that the name is free. */
  @KeyColumn(1100, { nullable: true }) userNameKey: string | null;
  /** Exact; null where there is none or once deleted. */
  @KeyColumn(1100, { nullable: true }) externalIdKey: string | null;
  /** Folded address by which the target knows the person. */
  @KeyColumn(1100, { nullable: true }) emailKey: string | null;
  @TextColumn(256) userName: string;
  @TextColumn(1000) displayName: string;
  @TextColumn(256, { nullable: true }) email: string | null;
  /** JSON of what the target asks to be told of the person beside the address; null where it asks nothing. */
  @LongTextColumn({ nullable: true }) targetAttributes: string | null;
  /** Hash of it, for SQL to compare. */
  @KeyColumn(64, { nullable: true }) targetAttributesKey: string | null;
  @BooleanColumn() active: boolean;
  /** Rises when the IdP means another person by the same id: whom the target took them for counts no more. */
  @IntegerColumn() incarnation: number;
  @IntegerColumn() version: number;
  @LongTextColumn() resource: string;
  @TimeColumn() createdAt: number;
  @TimeColumn() lastModified: number;
  @TimeColumn({ nullable: true }) deletedAt: number | null;
}
