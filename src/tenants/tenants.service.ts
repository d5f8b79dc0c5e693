import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, Equal, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Claim } from '../admin-api/idempotency/idempotent-creations';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { Problem } from '../admin-api/problem';
import { AuditLog } from '../audit/audit-log';
import { FOR_SHARE, FOR_UPDATE } from '../database/dialect';
import { type Transaction, TransactionRunner } from '../database/transaction-runner';
import { AdminKey } from './admin-keys/admin-key.entity';
import type { Admin } from './authentication/admin';
import { Tenant } from './tenant.entity';

@Injectable()
export class Tenants {
  constructor(
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  async create(admin: Admin, name: string, claim: Claim): Promise<Tenant> {
    const now = Date.now();
    const tenant: Tenant = { id: uuid(), name, quotas: null, createdAt: now, updatedAt: now };
    await this.transactions.run(async (tx) => {
      await claim(tx, tenant.id);
      await tx.manager.insert(Tenant, tenant);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'tenant.created',
        target: { type: 'tenant', id: tenant.id },
        tenantId: tenant.id,
        detail: { name },
      });
    });
    return tenant;
  }

  async list(admin: Admin, query: PageQuery): Promise<Page<Tenant>> {
    const rows = await this.tenants.find({
      where: {
        id:
          admin.tenantId === null
            ? MoreThan(cursorId(query))
            : And(MoreThan(cursorId(query)), Equal(admin.tenantId)),
      },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return toPage(rows, query.limit, (tenant) => tenant);
  }

  /** @throws Problem 404 also for a tenant that this admin may not see */
  async get(admin: Admin, tenantId: string): Promise<Tenant> {
    const visible = admin.tenantId === null || admin.tenantId === tenantId;
    const tenant = visible ? await this.tenants.findOneBy({ id: tenantId }) : null;
    if (!tenant) throw Problem.notFound('tenant');
    return tenant;
  }

  /** @throws Problem 404 also for a tenant that is gone by now */
  async rename(admin: Admin, tenantId: string, name: string): Promise<Tenant> {
    await this.get(admin, tenantId);
    return this.transactions.run(async (tx) => {
      const before = await this.lock(tx, tenantId);
      const change = { name, updatedAt: Date.now() };
      await tx.manager.update(Tenant, { id: tenantId }, change);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'tenant.renamed',
        target: { type: 'tenant', id: tenantId },
        tenantId,
        detail: { from: before.name, to: name },
      });
      return { ...before, ...change };
    });
  }

  /**
   * The tenant cannot be deleted before the transaction that gives it something has ended.
   *
   * @throws Problem 404 when it is gone already
   */
  async hold(tx: Transaction, tenantId: string): Promise<void> {
    const rows = await tx.query(`SELECT id FROM tenant WHERE id = ?${FOR_SHARE}`, [tenantId]);
    if (rows.length === 0) throw Problem.notFound('tenant');
  }

  /**
   * One change of it, or of what it owns, after the other.
   *
   * @throws Problem 404 when it is gone already
   */
  async lock(tx: Transaction, tenantId: string): Promise<Tenant> {
    await tx.query(`SELECT id FROM tenant WHERE id = ?${FOR_UPDATE}`, [tenantId]);
    const tenant = await tx.manager.findOneBy(Tenant, { id: tenantId });
    if (!tenant) throw Problem.notFound('tenant');
    return tenant;
  }

  /**
   * With its admin keys; what was audited stays.
   *
   * @param assertEmpty throws while the tenant owns anything
   */
  async delete(
    admin: Admin,
    tenantId: string,
    assertEmpty: (tx: Transaction) => Promise<void>,
  ): Promise<void> {
    await this.get(admin, tenantId);
    await this.transactions.run(async (tx) => {
      const { name } = await this.lock(tx, tenantId);
      await assertEmpty(tx);
      await tx.manager.delete(AdminKey, { tenantId });
      await tx.manager.delete(Tenant, { id: tenantId });
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'tenant.deleted',
        target: { type: 'tenant', id: tenantId },
        tenantId,
        detail: { name },
      });
    });
  }
}
