import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Problem } from '../admin-api/problem';
import { type QuotaName, type Quotas, SETTINGS, type Settings } from '../config/settings';
import type { Transaction } from '../database/transaction-runner';
import { Tenant } from './tenant.entity';

/** Quotas of resources that the admin API creates. IdPs create the rest. */
type AdminQuota = Extract<QuotaName, 'integrations' | 'adminKeys' | 'scimKeys'>;

const REACHED_MESSAGES: Record<AdminQuota, (limit: number) => string> = {
  integrations: (limit) =>
    `The tenant has reached its quota of ${limit} integrations, including those that are being deleted. Delete some`,
  adminKeys: (limit) => `The tenant has reached its quota of ${limit} live admin keys. Revoke some`,
  scimKeys: (limit) => `The integration has reached its quota of ${limit} live SCIM keys. Revoke some`,
};

/** The quotas of each tenant: those of the settings, unless the platform set others for the tenant. */
@Injectable()
export class TenantQuotas {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
  ) {}

  /** For a removed tenant: the quotas of the settings. */
  async of(tenantId: string): Promise<Quotas> {
    return this.effective(await this.tenants.findOneBy({ id: tenantId }));
  }

  effective(tenant: Pick<Tenant, 'quotas'> | null): Quotas {
    return { ...this.settings.quotas, ...tenant?.quotas };
  }

  /**
   * Checks the quota for one more resource. The caller must hold a lock that blocks other creations.
   *
   * @param used current number
   * @throws Problem 409 if the quota is reached
   */
  async assertRoom(tx: Transaction, tenantId: string, quota: AdminQuota, used: number): Promise<void> {
    const limit = this.effective(await tx.manager.findOneBy(Tenant, { id: tenantId }))[quota];
    if (used < limit) return;
    throw new Problem(
      'quota_reached',
      `${REACHED_MESSAGES[quota](limit)}, or ask the operator of the platform to raise the quota ${quota}.`,
    );
  }
}
