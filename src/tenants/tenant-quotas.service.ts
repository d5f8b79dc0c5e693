import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Problem } from '../admin-api/problem';
import { type QuotaName, type Quotas, SETTINGS, type Settings } from '../config/settings';
import type { Transaction } from '../database/transaction-runner';
import { Tenant } from './tenant.entity';

/** What the admin API makes itself; the rest is written by identity providers. */
type AdminQuota = Extract<QuotaName, 'integrations' | 'adminKeys' | 'scimKeys'>;

const REACHED: Record<AdminQuota, (limit: number) => string> = {
  integrations: (limit) =>
    `The tenant has reached its quota of ${limit} integrations, ones that are being deleted included. Delete some`,
  adminKeys: (limit) => `The tenant has reached its quota of ${limit} live admin keys. Revoke some`,
  scimKeys: (limit) => `The integration has reached its quota of ${limit} live SCIM keys. Revoke some`,
};

/** How much each tenant may have: as the settings say, unless the platform decided otherwise for it. */
@Injectable()
export class TenantQuotas {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
  ) {}

  /** Of a tenant that is gone: those of the settings. */
  async of(tenantId: string): Promise<Quotas> {
    return this.effective(await this.tenants.findOneBy({ id: tenantId }));
  }

  effective(tenant: Pick<Tenant, 'quotas'> | null): Quotas {
    return { ...this.settings.quotas, ...tenant?.quotas };
  }

  /**
   * For one more of them. The caller holds a lock under which nobody else makes one.
   *
   * @param used how many there are
   * @throws Problem 409 where there may be no more
   */
  async assertRoom(tx: Transaction, tenantId: string, quota: AdminQuota, used: number): Promise<void> {
    const limit = this.effective(await tx.manager.findOneBy(Tenant, { id: tenantId }))[quota];
    if (used < limit) return;
    throw new Problem(
      'quota_reached',
      `${REACHED[quota](limit)}, or ask the operator of the platform to raise the quota ${quota}.`,
    );
  }
}
