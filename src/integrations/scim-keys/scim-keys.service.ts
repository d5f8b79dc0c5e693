import { Injectable } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { type DataSource, type EntityManager, IsNull, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { CreationClaim } from '../../admin-api/idempotency/idempotent-creations';
import { isLive } from '../../admin-api/key';
import { KeyUses } from '../../admin-api/key-uses';
import { type Page, type PageQuery, cursorId, toPage } from '../../admin-api/page';
import { Problem } from '../../admin-api/problem';
import { AuditLog } from '../../audit/audit-log';
import type { Quotas } from '../../config/settings';
import { FOR_SHARE, FOR_UPDATE } from '../../database/dialect';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { hashToken, makeToken } from '../../security/token';
import type { Admin } from '../../tenants/authentication/admin';
import { TenantQuotas } from '../../tenants/tenant-quotas.service';
import { Integration, type IntegrationMode } from '../integration.entity';
import { Integrations, assertNotBeingDeleted } from '../integrations.service';
import type { IntegrationProvider } from '../provider/integration-provider';
import { ProviderRegistry } from '../provider/provider-registry';
import { ScimKey } from './scim-key.entity';

/** A valid SCIM key with its integration. */
export interface VerifiedScimKey {
  integrationId: string;
  tenantId: string;
  mode: IntegrationMode;
  keyId: string;
  keyName: string;
  keyPrefix: string;
  /** Quotas that the platform set for the tenant. */
  quotas: Partial<Quotas>;
  target: Pick<IntegrationProvider, 'groupNameKey' | 'userAttributes'>;
}

/** Result of the second check of a key. */
export type Admission = 'admitted' | 'disabled' | 'refused';

@Injectable()
export class ScimKeys {
  constructor(
    @InjectRepository(ScimKey) private readonly keys: Repository<ScimKey>,
    @InjectDataSource() private readonly reader: DataSource,
    private readonly integrations: Integrations,
    private readonly providers: ProviderRegistry,
    private readonly quotas: TenantQuotas,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly uses: KeyUses,
  ) {}

  /**
   * @returns the key with its token, which is never available again
   * @throws Problem 409 while the integration is being deleted, or if the quota is reached
   */
  async create(
    admin: Admin,
    { id: integrationId, tenantId }: Integration,
    input: { name: string; expiresAt: number | null },
    claim: CreationClaim,
  ): Promise<ScimKey & { token: string }> {
    const { token, prefix, hash } = makeToken('scim');
    const key: ScimKey = {
      id: uuid(),
      integrationId,
      name: input.name,
      prefix,
      tokenHash: hash,
      createdAt: Date.now(),
      expiresAt: input.expiresAt,
      lastUsedAt: null,
      revokedAt: null,
    };
    await this.transactions.run(async (tx) => {
      // The removal of an integration deletes its keys. A key created after that would be an orphan.
      assertNotBeingDeleted(await this.integrations.locked(tx, integrationId));
      await this.quotas.assertRoom(tx, tenantId, 'scimKeys', await countLive(tx.manager, integrationId));
      await claim(tx, key.id);
      await tx.manager.insert(ScimKey, key);
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'scim_key.created',
        target: { type: 'scim_key', id: key.id },
        tenantId,
        integrationId,
        detail: { name: key.name, prefix },
      });
    });
    return { ...key, token };
  }

  async list({ id: integrationId }: Integration, query: PageQuery): Promise<Page<ScimKey>> {
    const rows = await this.keys.find({
      where: { integrationId, id: MoreThan(cursorId(query)) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return toPage(rows, query.limit, (key) => key);
  }

  /** Number of keys that are neither revoked nor expired. */
  live(integrationId: string): Promise<number> {
    return countLive(this.keys.manager, integrationId);
  }

  /** @throws Problem 404, also for a key of another tenant's integration */
  async get(admin: Admin, id: string): Promise<ScimKey> {
    return (await this.find(admin, id)).key;
  }

  /** @throws Problem 404, also for a key of another tenant's integration */
  async revoke(admin: Admin, id: string): Promise<void> {
    const {
      tenantId,
      key: { integrationId },
    } = await this.find(admin, id);
    await this.transactions.run(async (tx) => {
      // Two admins may revoke the key at the same time. The second one must not overwrite the time.
      await tx.query(`SELECT id FROM scim_key WHERE id = ?${FOR_UPDATE}`, [id]);
      const key = await tx.manager.findOneBy(ScimKey, { id });
      if (!key || key.revokedAt !== null) return;
      await tx.manager.update(ScimKey, { id }, { revokedAt: Date.now() });
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'scim_key.revoked',
        target: { type: 'scim_key', id },
        tenantId,
        integrationId,
        detail: { name: key.name, prefix: key.prefix },
      });
    });
  }

  /** One query, so a key of another tenant gives the same answer in the same time as an unknown key. */
  private async find(admin: Admin, id: string): Promise<{ key: ScimKey; tenantId: string }> {
    const query = this.keys
      .createQueryBuilder('key')
      .innerJoin(Integration, 'integration', 'integration.id = key.integrationId')
      .addSelect('integration.tenantId', 'tenantId')
      .where('key.id = :id', { id });
    if (admin.tenantId !== null)
      query.andWhere('integration.tenantId = :tenantId', { tenantId: admin.tenantId });
    const { entities, raw } = await query.getRawAndEntities<{ tenantId: string }>();
    const [key] = entities;
    if (!key) throw Problem.notFound('SCIM key');
    return { key, tenantId: raw[0]!.tenantId };
  }

  /** @returns null for a token that is unknown, expired, revoked, or belongs to another integration */
  async verify(token: string, integrationId: string): Promise<VerifiedScimKey | null> {
    const [row] = await this.reader.query<VerifyRow[]>(VERIFY_SQL, [hashToken(token)]);
    if (!row || row.integrationId !== integrationId || row.deletingSince !== null) return null;
    if (!isLive(timesOf(row))) return null;
    this.uses.note('scim_key', row.keyId, row.lastUsedAt);
    const { tenantId, mode, keyId, keyName, keyPrefix, quotas } = row;
    const provider = this.providers.get(row.provider);
    return {
      ...{ integrationId, tenantId, mode, keyId, keyName, keyPrefix },
      quotas: quotas === null ? {} : (JSON.parse(quotas) as Partial<Quotas>),
      target: {
        groupNameKey: (name) => provider.groupNameKey(name),
        userAttributes: provider.userAttributes,
      },
    };
  }

  /**
   * Checks a verified key again inside the transaction of the write. The locks block a revocation of the key and a
   * disabling or deletion of the integration until that transaction ends.
   */
  async admit(
    tx: Transaction,
    { keyId, integrationId }: Pick<VerifiedScimKey, 'keyId' | 'integrationId'>,
  ): Promise<Admission> {
    const [integration] = await tx.query<Pick<VerifyRow, 'mode' | 'deletingSince'>>(
      `SELECT mode, deletingSince FROM integration WHERE id = ?${FOR_SHARE}`,
      [integrationId],
    );
    if (!integration || integration.deletingSince !== null) return 'refused';
    const [key] = await tx.query<Pick<VerifyRow, 'revokedAt' | 'expiresAt'>>(
      `SELECT revokedAt, expiresAt FROM scim_key WHERE id = ?${FOR_SHARE}`,
      [keyId],
    );
    if (!key || !isLive(timesOf(key))) return 'refused';
    return integration.mode === 'disabled' ? 'disabled' : 'admitted';
  }
}

function countLive(manager: EntityManager, integrationId: string): Promise<number> {
  const live = { integrationId, revokedAt: IsNull() };
  return manager.countBy(ScimKey, [
    { ...live, expiresAt: IsNull() },
    { ...live, expiresAt: MoreThan(Date.now()) },
  ]);
}

interface VerifyRow extends Omit<VerifiedScimKey, 'quotas' | 'target'> {
  provider: string;
  expiresAt: number | null;
  lastUsedAt: number | null;
  revokedAt: number | null;
  deletingSince: number | null;
  /** JSON. */
  quotas: string | null;
}

function timesOf({ revokedAt, expiresAt }: Pick<VerifyRow, 'revokedAt' | 'expiresAt'>) {
  return { revokedAt, expiresAt: expiresAt === null ? null : Number(expiresAt) };
}

/** Uses the unique index `scim_key_token`. */
const VERIFY_SQL = `
  SELECT k.id AS keyId, k.name AS keyName, k.prefix AS keyPrefix, k.integrationId AS integrationId,
         k.expiresAt AS expiresAt, k.lastUsedAt AS lastUsedAt, k.revokedAt AS revokedAt,
         i.tenantId AS tenantId, i.provider AS provider, i.mode AS mode, i.deletingSince AS deletingSince, t.quotas AS quotas
  FROM scim_key k JOIN integration i ON i.id = k.integrationId JOIN tenant t ON t.id = i.tenantId
  WHERE k.tokenHash = ?`;
