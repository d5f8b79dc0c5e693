import { Entity } from 'typeorm';
import type { Quotas } from '../config/settings';
import { JsonColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../database/column-types';

/** A customer organisation. */
@Entity('tenant')
export class Tenant {
  @PrimaryIdColumn() id: string;
  @TextColumn(200) name: string;
  /** Quotas that the platform set for this tenant. The settings give the others. */
  @JsonColumn({ nullable: true }) quotas: Partial<Quotas> | null;
  @TimeColumn() createdAt: number;
  @TimeColumn() updatedAt: number;
}
