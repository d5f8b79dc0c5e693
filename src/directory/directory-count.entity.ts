import { Column, Entity, Index } from 'typeorm';
import { IdColumn, IntegerColumn, PrimaryIdColumn } from '../database/column-types';

/** How many rows of an integration are not deleted. Each change updates it in its own transaction, so it is exact. */
@Entity('directory_count')
@Index('directory_count_of_tenant', ['tenantId'])
export class DirectoryCount {
  @PrimaryIdColumn() integrationId: string;
  @IdColumn() tenantId: string;
  @IntegerColumn() users: number;
  /** GROUPS is a reserved word in MySQL. */
  @Column({ name: 'groups_', type: 'int' }) groups: number;
  @IntegerColumn() memberships: number;
}
