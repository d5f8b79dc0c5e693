import { Entity, Index } from 'typeorm';
import {
  IdColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../database/column-types';

/**
 * A write of the IdP that was refused for good and that it will not repeat: until it is made up for, its list and ours
 * differ. One row for each resource and method, the latest; never the body.
 */
@Entity('refused_write')
@Index('refused_write_of', ['integrationId', 'resourceType', 'resourceKey', 'method'], { unique: true })
export class RefusedWrite {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) resourceType: 'User' | 'Group';
  /** The resource's id, or the folded name that a refused POST would have given it. */
  @KeyColumn(1100) resourceKey: string;
  /** Null for a refused POST. */
  @IdColumn({ nullable: true }) resourceId: string | null;
  @TextColumn(8) method: string;
  @TimeColumn() at: number;
  @TextColumn(512) path: string;
  @IntegerColumn() status: number;
  @TextColumn(2000) detail: string;
  /** Attributes, and `members:{id}` of members, that it named and that nothing has made up for yet. */
  @JsonColumn() named: string[];
  @TextColumn(200) scimKey: string;
}
