import { Column, Entity, Index } from 'typeorm';
import { IdColumn, IntegerColumn, PrimaryIdColumn } from '../database/column-types';

/** How much an integration holds that is not deleted. Written in the transactions that change it, so it is exact. */
@Entity('directory_count')
@Index('directory_count_of_tenant', ['tenantId'])
export class DirectoryCount {
  @PrimaryIdColumn() integrationId: string;
  @IdColumn() tenantId: string;
  @IntegerColumn() users: number;
  /** GROUPS is a word of MySQL's own. */
  @Column({ name: 'groups_', type: 'int' }) groups: number;
  @IntegerColumn() memberships: number;
}
