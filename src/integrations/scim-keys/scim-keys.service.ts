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

/** The integration that a SCIM key opens. */
export interface VerifiedScimKey {
  integrationId: string;
  tenantId: string;
  mode: IntegrationMode;
  keyId: string;
  keyName: string;
  keyPrefix: string;
  /** What the platform decided for the tenant. */
  quotas: Partial<Quotas>;
  target: Pick<IntegrationProvider, 'groupNameKey' | 'userAttributes'>;
}

/** What a key that was good may do by now. */
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
   * @returns the key with its token, which is not to be had again
   * @throws Problem 409 while the integration is being deleted, and for one too many
   */
  async create(
    admin: Admin,
    integrationId: string,
    input: { name: string; expiresAt: number | null },
    claim: CreationClaim,
  ): Promise<ScimKey & { token: string }> {
    const { tenantId } = await this.integrations.get(admin, integrationId);
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
      // Its removal takes along the keys that are there; one that came after would belong to nothing.
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

  async list(admin: Admin, integrationId: string, query: PageQuery): Promise<Page<ScimKey>> {
    await this.integrations.get(admin, integrationId);
    const rows = await this.keys.find({
      where: { integrationId, id: MoreThan(cursorId(query)) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return toPage(rows, query.limit, (key) => key);
  }

  /** How many keys an integration has that may be used. */
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
      // Of two who revoke it at the same time only one does: the other would move the time of it.
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

  /** One look-up, so that another tenant's key is answered like none, and as fast. */
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

  /** @returns null for a token that is unknown, expired, revoked, or of another integration */
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
   * Looks again whether a key that was verified may write, inside the transaction of the write: until that ends, nobody
   * revokes the key, disables the integration or begins to delete it.
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

/** By the unique index `scim_key_token`. */
const VERIFY_SQL = `
  SELECT k.id AS keyId, k.name AS keyName, k.prefix AS keyPrefix, k.integrationId AS integrationId,
         k.expiresAt AS expiresAt, k.lastUsedAt AS lastUsedAt, k.revokedAt AS revokedAt,
         i.tenantId AS tenantId, i.provider AS provider, i.mode AS mode, i.deletingSince AS deletingSince, t.quotas AS quotas
  FROM scim_key k JOIN integration i ON i.id = k.integrationId JOIN tenant t ON t.id = i.tenantId
  WHERE k.tokenHash = ?`;
