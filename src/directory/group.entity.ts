import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  KeyColumn,
  LongTextColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../database/column-types';

/** A group as the IdP wants it, without its members (see `GroupMember`). For `resource` see `ScimUser`. */
@Entity('scim_group')
@Index('scim_group_integration', ['integrationId', 'id'], { unique: true })
@Index('scim_group_by_name', ['integrationId', 'displayNameKey', 'id'])
@Index('scim_group_unique_name', ['integrationId', 'displayNameUniqueKey'], { unique: true })
@Index('scim_group_by_external_id', ['integrationId', 'externalIdKey', 'id'])
@Index('scim_group_by_creation', ['integrationId', 'createdAt', 'id'])
@Index('scim_group_by_change', ['integrationId', 'lastModified', 'id'])
@Index('scim_group_deleted', ['deletedAt'])
export class ScimGroup {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  /** Folded, for filters; null once deleted. */
  @KeyColumn(1100, { nullable: true }) displayNameKey: string | null;
  /** `IntegrationProvider.groupNameKey`; null once deleted, so that a new group can take the name. */
  @KeyColumn(1100, { nullable: true }) displayNameUniqueKey: string | null;
  @KeyColumn(1100, { nullable: true }) externalIdKey: string | null;
  @TextColumn(256) displayName: string;
  /** Rises with each change of the name or the members. */
  @IntegerColumn() generation: number;
  @IntegerColumn() version: number;
  @LongTextColumn() resource: string;
  @TimeColumn() createdAt: number;
  @TimeColumn() lastModified: number;
  @TimeColumn({ nullable: true }) deletedAt: number | null;
}
