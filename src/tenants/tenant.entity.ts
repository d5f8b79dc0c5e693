import { Entity } from 'typeorm';
import type { Quotas } from '../config/settings';
import { JsonColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

/** A customer organisation. */
@Entity('tenant')
export class Tenant {
  @PrimaryIdColumn() id: string;
  @TextColumn(200) name: string;
  /** What the platform decided for this tenant; what is not in it is as the settings have it. */
  @JsonColumn({ nullable: true }) quotas: Partial<Quotas> | null;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
