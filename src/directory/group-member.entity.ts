import { Entity, ForeignKey, Index } from 'typeorm';
import { IdColumn, PrimaryIdColumn } from '../database/column-types';
import { ScimGroup } from './group.entity';
import { ScimUser } from './user.entity';

/**
 * One user's membership of one group. The integration is part of both foreign keys, so no row can join a group and a user
 * of different integrations.
 */
@Entity('group_member')
@ForeignKey(() => ScimGroup, ['integrationId', 'groupId'], ['integrationId', 'id'], {
  name: 'group_member_group_fk',
})
@ForeignKey(() => ScimUser, ['integrationId', 'userId'], ['integrationId', 'id'], {
  name: 'group_member_user_fk',
})
@Index('group_member_of_group', ['integrationId', 'groupId', 'userId'])
@Index('group_member_of_user', ['integrationId', 'userId', 'groupId'])
export class GroupMember {
  @PrimaryIdColumn() groupId: string;
  @PrimaryIdColumn() userId: string;
  @IdColumn() integrationId: string;
}
