import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { Problem } from '../admin-api/problem';
import { systemActor } from '../audit/actor';
import { AuditLog } from '../audit/audit-log';
import { SETTINGS, type Settings } from '../config/settings';
import { FOR_UPDATE } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import { TransactionRunner } from '../database/transaction-runner';
import { SecretBox, SecretUnreadableError } from '../security/secret-box';
import type { Admin } from '../tenants/authentication/admin';
import { Tenants } from '../tenants/tenants.service';
import { secretBinding } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { Integration, type IntegrationMode } from './integration.entity';
import { type GivenPolicies, withDefaults } from './policies';
import type { RemoteAccount } from './provider/integration-provider';
import { SettingsError } from './provider/provider-error';
import { ProviderRegistry } from './provider/provider-registry';
import { VISIBILITY_LOST } from './suspension-reasons';

export interface NewIntegration {
  provider: string;
  name: string;
  settings: object;
  secret: string;
  policies?: GivenPolicies;
}

/** Why the engine stopped by itself, and when it looks whether the cause is gone. */
export interface Suspension {
  reason: string;
  message: string;
  /** Null: only an admin ends it. */
  nextProbeAt: number | null;
}

/** Why a connection does not work. */
export interface ConnectionFailure {
  reason: string;
  /** The cause, and what to do about it. */
  message: string;
}

export type StateChange = Partial<Omit<Integration, 'settings' | 'policies'>>;

/** As long as its column is. */
const CONNECTION_MESSAGE_LENGTH = 1000;

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
      await this.tenants.hold(tx, tenantId);
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

  /** An admin has looked at what suspended the integration. */
  async endSuspension(tx: Transaction, id: string): Promise<void> {
    await this.raiseRevision(tx, id, {
      suspensionReason: null,
      suspensionMessage: null,
      suspendedSince: null,
      nextProbeAt: null,
    });
  }

  /** A suspended integration is probed at once rather than when its time comes. */
  async probeNow(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND nextProbeAt IS NOT NULL', [
      Date.now(),
      id,
    ]);
  }

  /** The account was compared with the recorded one: until the next change of the integration that need not be done again. */
  async accountChecked(tx: Transaction, { id, revision }: Integration): Promise<void> {
    await tx.manager.update(Integration, { id }, { accountCheckedRevision: revision });
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

  /**
   * What a connection test found, unless what it tested is no longer what is stored. Where nothing failed, a suspension ends
   * and the engine is woken.
   * @param failure null where nothing failed
   */
  async recordConnectionTest(
    admin: Admin,
    tested: Integration,
    { failure, account }: { failure: ConnectionFailure | null; account: RemoteAccount | null },
  ): Promise<void> {
    await this.transactions.run(async (tx) => {
      const current = await locked(tx, tested.id);
      if (current?.revision === tested.revision) {
        const change = failure === null ? whenConnected(current, account) : whenFailed(failure);
        await tx.manager.update(Integration, { id: tested.id }, change);
        if (current.suspensionReason !== null && change.suspensionReason === null) {
          this.changes.announce(tx, tested.id);
        }
      }
      await this.auditOf(tx, admin, tested, 'integration.connection_tested', failure?.reason);
    });
  }

  /** @throws Problem 409 when another change was made since the secret was tried */
  async replaceSecret(
    admin: Admin,
    tried: Integration,
    { secret, account }: { secret: string; account: RemoteAccount | null },
  ): Promise<void> {
    const { id } = tried;
    const sealed = this.secrets.seal(secret, secretBinding(id));
    await this.transactions.run(async (tx) => {
      const current = await locked(tx, id);
      if (current?.revision !== tried.revision) {
        throw Problem.conflict(
          'changed_meanwhile',
          'The integration was changed while the secret was tried; nothing was stored. Try again.',
        );
      }
      await this.raiseRevision(tx, id, {
        secretCiphertext: sealed.ciphertext,
        secretKeyId: sealed.keyId,
        ...whenConnected(current, account),
      });
      await this.auditOf(tx, admin, tried, 'integration.secret_changed');
    });
  }

  /** A secret that was tried and not stored. */
  async recordRefusedSecret(admin: Admin, integration: Integration, reason: string): Promise<void> {
    await this.transactions.run((tx) =>
      this.auditOf(tx, admin, integration, 'integration.secret_changed', reason),
    );
  }

  /** @param failure reason of what did not succeed */
  private auditOf(
    tx: Transaction,
    admin: Admin,
    { id, tenantId }: Integration,
    action: string,
    failure?: string,
  ): Promise<void> {
    return this.audit.record(tx, {
      actor: admin.actor,
      action,
      target: { type: 'integration', id },
      tenantId,
      integrationId: id,
      ...(failure === undefined ? {} : { outcome: 'failed', detail: { reason: failure } }),
    });
  }

  private async pauseAll(): Promise<void> {
    await this.transactions.run((tx) =>
      tx.manager.update(Integration, { mode: 'enabled' }, { mode: 'paused' }),
    );
  }

  /** A change that a running engine has to notice. */
  async raiseRevision(tx: Transaction, id: string, change: StateChange): Promise<void> {
    await tx.manager.update(
      Integration,
      { id },
      { ...change, revision: () => 'revision + 1', updatedAt: Date.now() },
    );
    this.changes.announce(tx, id);
  }
}

/** So that nothing changes it between this look and the write that follows. */
async function locked(tx: Transaction, id: string): Promise<Integration | null> {
  await tx.query(`SELECT id FROM integration WHERE id = ?${FOR_UPDATE}`, [id]);
  return tx.manager.findOneBy(Integration, { id });
}

/** Ends a suspension, but for one that only an admin who has looked at the target may end: there a good credential says nothing. */
function whenConnected(current: Integration, account: RemoteAccount | null): StateChange {
  const suspension =
    current.suspensionReason === VISIBILITY_LOST
      ? {}
      : { suspensionReason: null, suspensionMessage: null, suspendedSince: null, nextProbeAt: null };
  const known =
    account === null || current.accountIdentity !== null
      ? {}
      : { accountIdentity: account.identity, accountName: account.name, accountUrl: account.url };
  return {
    ...suspension,
    ...known,
    connectionStatus: 'ok',
    connectionReason: null,
    connectionMessage: null,
    connectionCheckedAt: Date.now(),
  };
}

function whenFailed({ reason, message }: ConnectionFailure): StateChange {
  return {
    connectionStatus: 'failed',
    connectionReason: reason,
    connectionMessage: message.slice(0, CONNECTION_MESSAGE_LENGTH),
    connectionCheckedAt: Date.now(),
  };
}

/** @throws Problem 400 that names each field below `settings`, or `secret` */
export function acceptSettings<T>(parse: () => T): T {
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
