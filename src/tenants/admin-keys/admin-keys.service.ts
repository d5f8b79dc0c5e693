import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, MoreThan, Not, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { CreationClaim } from '../../admin-api/idempotency/idempotent-creations';
import { isLive } from '../../admin-api/key';
import { KeyUses } from '../../admin-api/key-uses';
import { type Page, type PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { systemActor } from '../../audit/actor';
import { AuditLog } from '../../audit/audit-log';
import { SETTINGS, type Settings } from '../../config/settings';
import { FOR_UPDATE } from '../../database/dialect';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { hashToken, makeToken, tokensEqual } from '../../security/token';
import { type Admin, ENVIRONMENT_KEY_ID, mayAct } from '../authentication/admin';
import { TenantQuotas } from '../tenant-quotas.service';
import { TenantUsage } from '../tenant-usage.service';
import { Tenants } from '../tenants.service';
import { AdminKey, type AdminRole } from './admin-key.entity';

export interface NewAdminKey {
  /** Null for a platform key. */
  tenantId: string | null;
  role: AdminRole;
  name: string;
  expiresAt: number | null;
}

@Injectable()
export class AdminKeys implements OnModuleInit, OnApplicationBootstrap {
  private firstKey: { token: string; path: string } | null = null;

  constructor(
    @InjectRepository(AdminKey) private readonly keys: Repository<AdminKey>,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly tenants: Tenants,
    private readonly quotas: TenantQuotas,
    private readonly usage: TenantUsage,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly uses: KeyUses,
  ) {}

  onModuleInit(): void {
    this.usage.register(async (tenantId) => ({ adminKeys: await countLive(this.keys.manager, tenantId) }));
  }

  /** If there is no SCIMIFY_ADMIN_KEY and no live platform key, creates one: otherwise no caller could create a tenant. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.settings.adminKey !== null) return;
    const platformKeys = await this.keys.findBy({ role: 'platform', revokedAt: IsNull() });
    if (platformKeys.some(isLive)) return;
    const { token, ...stored } = newKey({
      tenantId: null,
      role: 'platform',
      name: 'first platform key',
      expiresAt: null,
    });
    const path = join(this.settings.dataDirectory, 'admin-key');
    mkdirSync(this.settings.dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: existsSync(path) ? 'w' : 'wx' });
    await this.transactions.run(async (tx) => {
      await tx.manager.insert(AdminKey, stored);
      const actor = systemActor('first boot');
      await this.audit.record(tx, {
        actor,
        action: 'admin_key.created',
        target: { type: 'admin_key', id: stored.id },
      });
    });
    this.firstKey = { token, path };
  }

  /** The key that this boot created, with the path of its file. Returns it only once. */
  takeFirstKey(): { token: string; path: string } | null {
    const made = this.firstKey;
    this.firstKey = null;
    return made;
  }

  /**
   * @returns the key with its token, which is never available again
   * @throws Problem 403 for a role above the admin's own, 404 for an invisible tenant, 409 if the quota is reached
   */
  async create(
    admin: Admin,
    input: NewAdminKey,
    claim: CreationClaim,
  ): Promise<AdminKey & { token: string }> {
    if (!mayAct(admin, input.role)) throw aboveOwnRole(input.role);
    if (input.tenantId !== null) await this.tenants.get(admin, input.tenantId);
    const { token, ...key } = newKey(input);
    await this.transactions.run(async (tx) => {
      if (key.tenantId !== null) await this.assertRoom(tx, key.tenantId);
      await claim(tx, key.id);
      await tx.manager.insert(AdminKey, key);
      await this.record(tx, admin, 'admin_key.created', key);
    });
    return { ...key, token };
  }

  /** @param tenantId null for the platform keys */
  async list(admin: Admin, tenantId: string | null, query: PageQuery): Promise<Page<AdminKey>> {
    if (tenantId !== null) await this.tenants.get(admin, tenantId);
    const rows = await this.keys.find({
      where: { tenantId: tenantId ?? IsNull(), id: MoreThan(cursorId(query)) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return toPage(rows, query.limit, (key) => key);
  }

  /** @throws Problem 404, also for a key of another tenant */
  async get(admin: Admin, id: string): Promise<AdminKey> {
    const key = await this.keys.findOneBy({
      id,
      ...(admin.tenantId === null ? {} : { tenantId: admin.tenantId }),
    });
    if (!key) throw Problem.notFound('admin key');
    return key;
  }

  /** @throws Problem 403 for a key above the admin's own role, 409 for the last owner key that does not expire */
  async revoke(admin: Admin, id: string): Promise<void> {
    const { role, tenantId } = await this.get(admin, id);
    if (!mayAct(admin, role)) throw aboveOwnRole(role);
    await this.transactions.run(async (tx) => {
      // Two owners may revoke each other's keys at the same time. Without the lock no owner key would stay.
      if (tenantId !== null) await this.tenants.lock(tx, tenantId);
      await tx.query(`SELECT id FROM admin_key WHERE id = ?${FOR_UPDATE}`, [id]);
      const key = await tx.manager.findOneBy(AdminKey, { id });
      if (!key || key.revokedAt !== null) return;
      if (admin.role !== 'platform' && !(await leavesLastingOwner(tx, key))) {
        throw new Problem('last_owner_key');
      }
      await tx.manager.update(AdminKey, { id }, { revokedAt: Date.now() });
      await this.record(tx, admin, 'admin_key.revoked', key);
    });
  }

  /** True for the key in SCIMIFY_ADMIN_KEY, which is never stored. */
  isFromEnvironment(token: string): boolean {
    const { adminKey } = this.settings;
    return adminKey !== null && tokensEqual(token, adminKey);
  }

  /** @returns the admin of this token, or null for an unknown, expired or revoked token */
  async verify(token: string): Promise<Admin | null> {
    if (this.isFromEnvironment(token)) {
      return {
        keyId: ENVIRONMENT_KEY_ID,
        role: 'platform',
        tenantId: null,
        expiresAt: null,
        actor: { kind: 'admin_key', name: 'SCIMIFY_ADMIN_KEY', keyPrefix: null, requestId: null },
      };
    }
    const key = await this.keys.findOneBy({ tokenHash: hashToken(token) });
    if (!key || !isLive(key)) return null;
    this.uses.note('admin_key', key.id, key.lastUsedAt);
    return {
      keyId: key.id,
      role: key.role,
      tenantId: key.tenantId,
      expiresAt: key.expiresAt,
      actor: { kind: 'admin_key', name: key.name, keyPrefix: key.prefix, requestId: null },
    };
  }

  private async assertRoom(tx: Transaction, tenantId: string): Promise<void> {
    await this.tenants.lock(tx, tenantId);
    await this.quotas.assertRoom(tx, tenantId, 'adminKeys', await countLive(tx.manager, tenantId));
  }

  private record(tx: Transaction, admin: Admin, action: string, key: AdminKey): Promise<void> {
    return this.audit.record(tx, {
      actor: admin.actor,
      action,
      target: { type: 'admin_key', id: key.id },
      tenantId: key.tenantId,
      detail: { name: key.name, prefix: key.prefix, role: key.role },
    });
  }
}

function newKey(input: NewAdminKey): AdminKey & { token: string } {
  const { token, prefix, hash } = makeToken('admin');
  const unused = { createdAt: Date.now(), lastUsedAt: null, revokedAt: null };
  return { ...input, ...unused, id: uuid(), prefix, tokenHash: hash, token };
}

/** Owner keys that expire do not count: after their end the tenant could not create another key. */
async function leavesLastingOwner(tx: Transaction, key: AdminKey): Promise<boolean> {
  const { id, tenantId, role } = key;
  if (role !== 'owner' || !isLive(key)) return true;
  return tx.manager.existsBy(AdminKey, {
    tenantId: tenantId!,
    role: 'owner',
    revokedAt: IsNull(),
    expiresAt: IsNull(),
    id: Not(id),
  });
}

async function countLive(manager: EntityManager, tenantId: string): Promise<number> {
  const live = { tenantId, revokedAt: IsNull() };
  return manager.countBy(AdminKey, [
    { ...live, expiresAt: IsNull() },
    { ...live, expiresAt: MoreThan(Date.now()) },
  ]);
}

function aboveOwnRole(role: AdminRole): Problem {
  return Problem.forbidden(
    `Your key may not create or revoke a key with the role ${role}, because that role is higher than its own. Use a key with that role.`,
  );
}
