import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { Problem } from '../admin-api/problem';
import { systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import { SETTINGS, type Settings } from '../config/settings';
import type { Transaction } from '../database/transaction-runner';
import { TransactionRunner } from '../database/transaction-runner';
import { SecretBox, SecretUnreadableError } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { Tenants } from '../tenants/tenants.service';
import { secretBinding } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { Integration, type IntegrationMode } from './integration.entity';
import { type IntegrationPolicies, withDefaults } from './policies';
import type { RemoteAccount } from './provider/integration-provider';
import { SettingsError } from './provider/provider-error';
import { ProviderRegistry } from './provider/provider-registry';

export interface NewIntegration {
  provider: string;
  name: string;
  settings: object;
  secret: string;
  policies?: Partial<IntegrationPolicies>;
}

/** Why the engine stopped by itself, and when it looks whether the cause is gone. */
export interface Suspension {
  reason: string;
  message: string;
  nextProbeAt: number;
}

@Injectable()
export class Integrations implements OnModuleInit {
  constructor(
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly tenants: Tenants,
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly changes: IntegrationChanges,
  ) {}

  /** @throws SecretUnreadableError at boot, rather than at the first provisioning run */
  async onModuleInit(): Promise<void> {
    const rows = await this.integrations
      .createQueryBuilder('i')
      .select('DISTINCT i.secretKeyId', 'keyId')
      .getRawMany<{ keyId: string }>();
    if (rows.some(({ keyId }) => !this.secrets.knows(keyId))) {
      throw new SecretUnreadableError('The database holds secrets of another encryption key.');
    }
    if (this.settings.startPaused) await this.pauseAll();
  }

  async create(admin: Admin, tenantId: string, input: NewIntegration): Promise<Integration> {
    await this.tenants.get(admin, tenantId);
    const provider = this.providers.find(input.provider);
    if (!provider) {
      const known = this.providers.types.join(', ');
      throw Problem.invalid([{ field: 'provider', message: `must be one of: ${known}` }]);
    }
    const settings = acceptSettings(() => provider.parseSettings(input.settings));
    acceptSettings(() => {
      const problems = provider.checkSecret(settings, input.secret);
      if (problems.length > 0) throw new SettingsError(problems);
    });
    const id = uuid();
    const now = Date.now();
    const sealed = this.secrets.seal(input.secret, secretBinding(id));
    await this.transactions.run(async (tx) => {
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
        policies: withDefaults(input.policies),
        connectionStatus: 'unknown',
        createdAt: now,
        updatedAt: now,
      });
      await this.audit.record(tx, {
        actor: admin.actor,
        action: 'integration.created',
        target: { type: 'integration', id },
        tenantId,
        integrationId: id,
        detail: { name: input.name, provider: provider.type },
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

  async setMode(admin: Admin, id: string, mode: IntegrationMode): Promise<Integration> {
    const { tenantId } = await this.get(admin, id);
    await this.transactions.run(async (tx) => {
      await this.raiseRevision(tx, id, { mode });
      await this.audit.record(tx, {
        actor: admin.actor,
        action: `integration.${mode}`,
        target: { type: 'integration', id },
        tenantId,
        integrationId: id,
      });
    });
    return this.get(admin, id);
  }

  /** For the engine, which acts for no admin. */
  find(id: string): Promise<Integration | null> {
    return this.integrations.findOneBy({ id });
  }

  /** The engine stops writing to this target until a probe succeeds. */
  async suspend(tx: Transaction, id: string, suspension: Suspension): Promise<void> {
    const integration = await tx.manager.findOneByOrFail(Integration, { id });
    await tx.manager.update(
      Integration,
      { id },
      {
        suspensionReason: suspension.reason,
        suspensionMessage: suspension.message,
        suspendedSince: integration.suspendedSince ?? Date.now(),
        nextProbeAt: suspension.nextProbeAt,
        connectionStatus: 'failed',
        connectionReason: suspension.reason,
        connectionMessage: suspension.message,
        connectionCheckedAt: Date.now(),
      },
    );
    if (integration.suspensionReason === suspension.reason) return;
    await this.audit.record(tx, {
      actor: systemActor('provisioning'),
      action: 'integration.suspended',
      target: { type: 'integration', id },
      tenantId: integration.tenantId,
      integrationId: id,
      outcome: 'failed',
      detail: { reason: suspension.reason },
    });
  }

  /** A suspended integration is probed at once rather than when its time comes. */
  async probeNow(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND nextProbeAt IS NOT NULL', [
      Date.now(),
      id,
    ]);
  }

  /** The target answered: whatever suspension there was is over, and the account is known. */
  async connected(tx: Transaction, id: string, account: RemoteAccount): Promise<void> {
    await tx.manager.update(
      Integration,
      { id },
      {
        suspensionReason: null,
        suspensionMessage: null,
        suspendedSince: null,
        nextProbeAt: null,
        accountIdentity: account.identity,
        accountName: account.name,
        accountUrl: account.url,
        connectionStatus: 'ok',
        connectionReason: null,
        connectionMessage: null,
        connectionCheckedAt: Date.now(),
      },
    );
  }

  private async pauseAll(): Promise<void> {
    await this.transactions.run((tx) =>
      tx.manager.update(Integration, { mode: 'enabled' }, { mode: 'paused' }),
    );
  }

  private async raiseRevision(tx: Transaction, id: string, change: { mode: IntegrationMode }): Promise<void> {
    await tx.manager.update(
      Integration,
      { id },
      { ...change, revision: () => 'revision + 1', updatedAt: Date.now() },
    );
    this.changes.announce(tx, id);
  }
}

/** @throws Problem 400 that names each field below `settings`, or `secret` */
function acceptSettings<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw Problem.invalid(
      error.problems.map(({ field, message }) => ({
        field: field === 'secret' ? field : `settings.${field}`,
        message,
      })),
    );
  }
}
