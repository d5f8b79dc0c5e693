import { Injectable } from '@nestjs/common';
import type { QuotaName } from '../config/settings';

/** The current number for each quota of a tenant. SCIM keys are missing, because they count per integration. */
export type Usage = Readonly<Record<Exclude<QuotaName, 'scimKeys'>, number>>;

/** Counts some of the resources of a tenant. */
export type UsageCount = (tenantId: string) => Promise<Partial<Usage>>;

const NOTHING: Usage = { integrations: 0, adminKeys: 0, users: 0, groups: 0, memberships: 0 };

/** src/tenants does not know what a tenant owns. Each owner of a resource registers a function that counts it. */
@Injectable()
export class TenantUsage {
  private readonly counts: UsageCount[] = [];

  addCounter(count: UsageCount): void {
    this.counts.push(count);
  }

  async of(tenantId: string): Promise<Usage> {
    const told = await Promise.all(this.counts.map((count) => count(tenantId)));
    return told.reduce<Usage>((usage, some) => ({ ...usage, ...some }), NOTHING);
  }
}
