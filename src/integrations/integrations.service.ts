import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type ExpectedVersions, assertExpected } from '../admin-api/if-match';
import type { CreationClaim } from '../admin-api/idempotency/idempotent-creations';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { Problem } from '../admin-api/problem';
import { systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import { SETTINGS, type Settings } from '../config/settings';
import { ROWS_PER_STATEMENT } from '../database/chunks';
import { FOR_UPDATE } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import { TransactionRunner } from '../database/transaction-runner';
import { SecretBox } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { TenantQuotas } from '../tenants/tenant-quotas.service';
import { TenantUsage } from '../tenants/tenant-usage.service';
import { Tenants } from '../tenants/tenants.service';
import { secretBinding } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { eventOf } from './integration-events';
import { logAfterCommit } from './integration-log';
import { Integration, type IntegrationMode } from './integration.entity';
import { assertMayGuard } from './owner-decisions';
import { DEFAULT_GUARD, type GivenPolicies, withDefaults } from './policies';
import { SettingsError } from './provider/provider-error';
import { ProviderRegistry } from './provider/provider-registry';
import { RunRequests } from './run-requests';

export interface NewIntegration {
  provider: string;
  name: string;
  settings: object;
  secret: string;
  policies?: GivenPolicies;
}

export type StateChange = Partial<Omit<Integration, 'settings' | 'policies'>>;

@Injectable()
export class Integrations implements OnModuleInit {
  constructor(
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly tenants: Tenants,
    private readonly quotas: TenantQuotas,
    private readonly usage: TenantUsage,
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly changes: IntegrationChanges,
    private readonly runs: RunRequests,
  ) {}

  async onModuleInit(): Promise<void> {
    this.usage.register(async (tenantId) => ({
      integrations: await countOf(this.integrations.manager, tenantId),
    }));
    if (this.settings.startPaused) await this.pauseAll();
  }

  /** @throws Problem 400 for a field that the provider rejects, 403 for the guard, 409 if the quota is reached */
  async create(
    admin: Admin,
    tenantId: string,
    input: NewIntegration,
    claim: CreationClaim,
  ): Promise<Integration> {
    await this.tenants.get(admin, tenantId);
    const provider = this.providers.find(input.provider);
    if (!provider) {
      const known = this.providers.types.join(', ');
      throw Problem.invalid([{ field: 'provider', message: `must be one of: ${known}` }]);
    }
    const settings = acceptSettings(() => this.providers.parseSettings(provider.type, input.settings));
    acceptSettings(() => this.providers.checkSecret(provider.type, settings, input.secret));
    const policies = withDefaults(input.policies);
    acceptSettings(() => this.providers.checkMemberRole(provider.type, policies.memberRole));
    assertMayGuard(admin, DEFAULT_GUARD, policies.guard);
    const id = uuid();
    const now = Date.now();
    const sealed = this.secrets.seal(input.secret, secretBinding(id));
    await this.transactions.run(async (tx) => {
      await this.tenants.lock(tx, tenantId);
      await this.quotas.assertRoom(tx, tenantId, 'integrations', await countOf(tx.manager, tenantId));
      await claim(tx, id);
      await tx.manager.insert(Integration, {
        id,
        tenantId,
        provider: provider.type,
        name: input.name,
        mode: 'paused',
        revision: 1,
        settings,
        secretCiphertext: sealed.ciphertext,
        secretKeyId: sealed.keyId,
        policies,
        connectionStatus: 'unknown',
        createdAt: now,
        updatedAt: now,
      });
      await this.audit.record(tx, {
        ...eventOf({ id, tenantId }, admin.actor, 'integration.created'),
        detail: { provider: provider.type, name: input.name, settings, policies },
      });
    });
    return this.get(admin, id);
  }

  async list(admin: Admin, tenantId: string, query: PageQuery): Promise<Page<Integration>> {
    await this.tenants.get(admin, tenantId);
    const rows = await this.integrations.find({
      where: { tenantId, id: MoreThan(cursorId(query)) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return toPage(rows, query.limit, (integration) => integration);
  }

  /** @throws Problem 404, also for an integration of another tenant */
  async get(admin: Admin, id: string): Promise<Integration> {
    const integration = await this.integrations.findOneBy({
      id,
      ...(admin.tenantId === null ? {} : { tenantId: admin.tenantId }),
    });
    if (!integration) throw Problem.notFound('integration');
    return integration;
  }

  /**
   * @throws Problem 409 while it is being deleted (the deletion continues in every mode), 412 if it has changed
   */
  async setMode(
    admin: Admin,
    { id }: Integration,
    mode: IntegrationMode,
    expected: ExpectedVersions,
  ): Promise<Integration> {
    await this.transactions.run(async (tx) => {
      const current = await this.locked(tx, id);
      assertNotBeingDeleted(current);
      assertExpected(expected, current);
      await this.raiseRevision(tx, id, { mode });
      if (mode === 'enabled') await this.runs.call(tx, id);
      await this.audit.record(tx, eventOf(current, admin.actor, `integration.${mode}`));
      if (current.mode !== mode) await logMode(tx, id, mode);
    });
    return this.get(admin, id);
  }

  /** For the engine, which has no admin and needs no tenant check. */
  find(id: string): Promise<Integration | null> {
    return this.integrations.findOneBy({ id });
  }

  /** Keyed by id. Unknown ids are left out. */
  async revisionsOf(ids: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.integrations.find({
      select: { id: true, revision: true },
      where: { id: In(ids) },
    });
    return new Map(rows.map(({ id, revision }) => [id, revision]));
  }

  /** Records a rejected change in the audit. */
  async recordRefused(admin: Admin, integration: Integration, action: string, reason: string): Promise<void> {
    await this.transactions.run((tx) =>
      this.audit.record(tx, {
        ...eventOf(integration, admin.actor, action),
        outcome: 'failed',
        detail: { reason },
      }),
    );
  }

  /** Works in batches, because there may be many integrations. After a crash the next boot continues. */
  private async pauseAll(): Promise<void> {
    let paused: number;
    do paused = await this.transactions.run((tx) => this.pauseSome(tx));
    while (paused === ROWS_PER_STATEMENT);
  }

  private async pauseSome(tx: Transaction): Promise<number> {
    const enabled = await tx.query<{ id: string; tenantId: string }>(
      `SELECT id, tenantId FROM integration WHERE mode = 'enabled' ORDER BY id LIMIT ${ROWS_PER_STATEMENT}${FOR_UPDATE}`,
    );
    if (enabled.length === 0) return 0;
    await tx.manager.update(
      Integration,
      { id: In(enabled.map(({ id }) => id)) },
      { mode: 'paused', ...asNextRevision() },
    );
    await this.audit.recordAll(
      tx,
      enabled.map((integration) =>
        eventOf(integration, systemActor('SCIMIFY_START_PAUSED'), 'integration.paused'),
      ),
    );
    for (const { id } of enabled) await logMode(tx, id, 'paused');
    return enabled.length;
  }

  /**
   * Locks the row, so no other transaction changes it before the caller writes.
   *
   * @throws Problem 404 if it has been removed
   */
  async locked(tx: Transaction, id: string): Promise<Integration> {
    const integration = await findLocked(tx, id);
    if (!integration) throw Problem.notFound('integration');
    return integration;
  }

  /** @throws Problem 409 if the integration has changed since it was read */
  async unchanged(tx: Transaction, { id, revision }: Integration): Promise<Integration> {
    const current = await this.locked(tx, id);
    if (current.revision === revision) return current;
    throw new Problem('changed_meanwhile');
  }

  /** For each change that a running engine must notice. */
  async raiseRevision(tx: Transaction, id: string, change: StateChange): Promise<void> {
    await tx.manager.update(Integration, { id }, { ...change, ...asNextRevision() });
    this.changes.announce(tx, id);
  }
}

export function logMode(tx: Transaction, id: string, mode: IntegrationMode): Promise<void> {
  return logAfterCommit(tx, id, { level: 'log', event: `integration.${mode}`, text: `is ${mode}` });
}

function asNextRevision() {
  return { revision: () => 'revision + 1', updatedAt: Date.now() };
}

/** @throws Problem 409 for an integration that is being deleted */
export function assertNotBeingDeleted({ deletingSince }: Integration): void {
  if (deletingSince === null) return;
  throw new Problem('integration_deleting');
}

function countOf(manager: EntityManager, tenantId: string): Promise<number> {
  return manager.countBy(Integration, { tenantId });
}

/** Null if it has been removed. */
export async function findLocked(tx: Transaction, id: string): Promise<Integration | null> {
  await tx.query(`SELECT id FROM integration WHERE id = ?${FOR_UPDATE}`, [id]);
  return tx.manager.findOneBy(Integration, { id });
}

const BESIDE_SETTINGS: ReadonlySet<string> = new Set(['secret', 'policies.memberRole']);

/** @throws Problem 400 that lists each field. Fields of the settings get the prefix `settings.` */
export function acceptSettings<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw Problem.invalid(
      error.problems.map(({ field, message }) => ({
        field: BESIDE_SETTINGS.has(field) ? field : `settings.${field}`,
        message,
      })),
    );
  }
}
