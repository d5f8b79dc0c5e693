import { Injectable } from '@nestjs/common';
import type { QuotaName } from '../config/settings';
import { Hook } from '../database/hook';

/** The current number for each quota of a tenant. SCIM keys are missing, because they count per integration. */
export type Usage = Readonly<Record<Exclude<QuotaName, 'scimKeys'>, number>>;

const NOTHING: Usage = { integrations: 0, adminKeys: 0, users: 0, groups: 0, memberships: 0 };

/** src/tenants does not know what a tenant owns. Each owner of a resource registers a function that counts it. */
@Injectable()
export class TenantUsage extends Hook<[tenantId: string], Partial<Usage>> {
  async of(tenantId: string): Promise<Usage> {
    const counts = await this.call(tenantId);
    return counts.reduce<Usage>((usage, some) => ({ ...usage, ...some }), NOTHING);
  }
}
