import { Entity } from 'typeorm';
import { PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

/** A customer organisation. */
@Entity('tenant')
export class Tenant {
  @PrimaryIdColumn() id: string;
  @TextColumn(200) name: string;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
