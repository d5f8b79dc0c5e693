import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, Equal, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { CreationClaim } from '../admin-api/idempotency/idempotent-creations';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { mergePatch } from '../admin-api/merge-patch';
import { Problem } from '../admin-api/problem';
import { type AuditEntry, AuditLog } from '../audit/audit-log';
import type { Quotas } from '../config/settings';
import { FOR_SHARE, FOR_UPDATE } from '../database/dialect';
import { type Transaction, TransactionRunner } from '../database/transaction-runner';
import { AdminKey } from './admin-keys/admin-key.entity';
import type { Admin } from './authentication/admin';
import { Tenant } from './tenant.entity';

/** A JSON merge patch of a tenant. Omitted fields stay. A null quota means the quota of the settings. */
export interface TenantPatch {
  name?: string;
  quotas?: Partial<Record<keyof Quotas, number | null>> | null;
}

@Injectable()
export class Tenants {
  constructor(
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  async create(admin: Admin, name: string, claim: CreationClaim): Promise<Tenant> {
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

  /** @throws Problem 404, also for a tenant that this admin may not see */
  async get(admin: Admin, tenantId: string): Promise<Tenant> {
    const visible = admin.tenantId === null || admin.tenantId === tenantId;
    const tenant = visible ? await this.tenants.findOneBy({ id: tenantId }) : null;
    if (!tenant) throw Problem.notFound('tenant');
    return tenant;
  }

  /**
   * @throws Problem 403 if another role than platform sets quotas, 404 also if the tenant was removed meanwhile
   */
  async change(admin: Admin, tenantId: string, patch: TenantPatch): Promise<Tenant> {
    await this.get(admin, tenantId);
    if (patch.quotas !== undefined && admin.role !== 'platform') {
      throw Problem.forbidden('Only a key with the role platform may change the quotas of a tenant.');
    }
    return this.transactions.run(async (tx) => {
      const before = await this.lock(tx, tenantId);
      const name = patch.name ?? before.name;
      const quotas = quotasAfter(before.quotas, patch.quotas);
      const changes = changesOf(before, { name, quotas });
      if (changes.length === 0) return before;
      const change = { name, quotas, updatedAt: Date.now() };
      await tx.manager.update(Tenant, { id: tenantId }, change);
      const said = { actor: admin.actor, target: { type: 'tenant', id: tenantId }, tenantId };
      await this.audit.recordAll(
        tx,
        changes.map((event) => ({ ...said, ...event })),
      );
      return { ...before, ...change };
    });
  }

  /**
   * Blocks the deletion of the tenant until a transaction that adds something to it has ended.
   *
   * @throws Problem 404 if it has been removed
   */
  async hold(tx: Transaction, tenantId: string): Promise<void> {
    const rows = await tx.query(`SELECT id FROM tenant WHERE id = ?${FOR_SHARE}`, [tenantId]);
    if (rows.length === 0) throw Problem.notFound('tenant');
  }

  /**
   * Serialises changes of the tenant and of what it owns.
   *
   * @throws Problem 404 if it has been removed
   */
  async lock(tx: Transaction, tenantId: string): Promise<Tenant> {
    await tx.query(`SELECT id FROM tenant WHERE id = ?${FOR_UPDATE}`, [tenantId]);
    const tenant = await tx.manager.findOneBy(Tenant, { id: tenantId });
    if (!tenant) throw Problem.notFound('tenant');
    return tenant;
  }

  /**
   * Also deletes its admin keys. The audit events stay.
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

function quotasAfter(before: Tenant['quotas'], patch: TenantPatch['quotas']): Tenant['quotas'] {
  if (patch === undefined) return before;
  const quotas = mergePatch(before ?? {}, patch ?? {}) as Partial<Quotas>;
  return patch === null || Object.keys(quotas).length === 0 ? null : quotas;
}

function changesOf(
  before: Tenant,
  { name, quotas }: Pick<Tenant, 'name' | 'quotas'>,
): Pick<AuditEntry, 'action' | 'detail'>[] {
  const renamed = { action: 'tenant.renamed', detail: { from: before.name, to: name } };
  const requoted = { action: 'tenant.quotas_changed', detail: { from: before.quotas, to: quotas } };
  return [
    ...(name === before.name ? [] : [renamed]),
    ...(isDeepStrictEqual(quotas, before.quotas) ? [] : [requoted]),
  ];
}
