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
 * A write of the IdP that was refused for good, so the IdP does not repeat it. Until a later write makes up for it, the
 * IdP's data and ours differ. One row for each resource and method: the latest. The body is never stored.
 */
@Entity('refused_write')
@Index('refused_write_of', ['integrationId', 'resourceType', 'resourceKey', 'method'], { unique: true })
export class RefusedWrite {
  @PrimaryIdColumn() id: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) resourceType: 'User' | 'Group';
  /** The resource's id, or the folded name in a refused POST. */
  @KeyColumn(1100) resourceKey: string;
  /** Null for a refused POST. */
  @IdColumn({ nullable: true }) resourceId: string | null;
  @TextColumn(8) method: string;
  @TimeColumn() at: number;
  @TextColumn(512) path: string;
  @IntegerColumn() status: number;
  @TextColumn(2000) detail: string;
  /** Attributes in the request, and `members:{id}` for members, that no later write has made up for yet. */
  @JsonColumn() named: string[];
  @TextColumn(200) scimKey: string;
}
