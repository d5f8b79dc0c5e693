import { Injectable } from '@nestjs/common';
import type { QuotaName } from '../config/settings';

/** How much a tenant has of everything that it may have only so much of; SCIM keys count by integration. */
export type Usage = Readonly<Record<Exclude<QuotaName, 'scimKeys'>, number>>;

/** Counts some of what a tenant has. */
export type UsageCount = (tenantId: string) => Promise<Partial<Usage>>;

const NOTHING: Usage = { integrations: 0, adminKeys: 0, users: 0, groups: 0, memberships: 0 };

/** What a tenant owns is not known here: whoever knows of some of it tells how to count it. */
@Injectable()
export class TenantUsage {
  private readonly counts: UsageCount[] = [];

  toldBy(count: UsageCount): void {
    this.counts.push(count);
  }

  async of(tenantId: string): Promise<Usage> {
    const told = await Promise.all(this.counts.map((count) => count(tenantId)));
    return told.reduce<Usage>((usage, some) => ({ ...usage, ...some }), NOTHING);
  }
}
