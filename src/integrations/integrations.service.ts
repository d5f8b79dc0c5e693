import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type ExpectedVersions, assertExpected } from '../admin-api/if-match';
import type { CreationClaim } from '../admin-api/idempotency/idempotent-creations';
import { type Page, type PageQuery, cursorId, toPage } from '../admin-api/page';
import { Problem } from '../admin-api/problem';
import { type Actor, systemActor } from '../audit/actor';
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
import { assertSameAccount } from './connection-test/same-account';
import { TestedConnections } from './connection-test/tested-connections';
import { secretBinding } from './connections/connections.service';
import { IntegrationChanges } from './integration-changes';
import { eventOf } from './integration-events';
import { logAfterCommit } from './integration-log';
import { Integration, type IntegrationMode } from './integration.entity';
import { assertMayGuard } from './owner-decisions';
import { DEFAULT_GUARD, type GivenPolicies, withDefaults } from './policies';
import type { RemoteAccount } from './provider/integration-provider';
import { SettingsError } from './provider/provider-error';
import { ProviderRegistry } from './provider/provider-registry';
import { RunRequests } from './run-requests';
import { NOT_SUSPENDED, endOfSuspension } from './suspension';
import { VISIBILITY_LOST } from './suspension-reasons';

export interface NewIntegration {
  provider: string;
  name: string;
  settings: object;
  secret: string;
  policies?: GivenPolicies;
}

/** Why the engine stopped, and when it checks the cause again. */
export interface Suspension {
  reason: string;
  message: string;
  /** Null: only an admin can end the suspension. */
  nextProbeAt: number | null;
}

/** Why a connection does not work. */
export interface ConnectionFailure {
  reason: string;
  /** The cause and what to do. */
  message: string;
}

export type StateChange = Partial<Omit<Integration, 'settings' | 'policies'>>;

/** Length of the columns `connectionMessage` and `suspensionMessage`. */
const MESSAGE_LENGTH = 1000;

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
    private readonly tests: TestedConnections,
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

  /** The engine writes nothing to this target until a probe succeeds or an admin ends the suspension. */
  async suspend(tx: Transaction, id: string, suspension: Suspension): Promise<void> {
    const integration = await tx.manager.findOneByOrFail(Integration, { id });
    await tx.manager.update(
      Integration,
      { id },
      {
        suspensionReason: suspension.reason,
        suspensionMessage: suspension.message.slice(0, MESSAGE_LENGTH),
        suspendedSince: integration.suspendedSince ?? Date.now(),
        nextProbeAt: suspension.nextProbeAt,
        ...whenFailed(suspension),
      },
    );
    if (integration.suspensionReason === suspension.reason) return;
    await this.audit.record(tx, {
      ...eventOf(integration, systemActor('provisioning'), 'integration.suspended'),
      outcome: 'failed',
      detail: { reason: suspension.reason },
    });
    await logAfterCommit(tx, id, {
      level: 'warn',
      event: 'integration.suspended',
      text: `is suspended: ${suspension.reason}`,
      detail: { reason: suspension.reason },
    });
  }

  /** An admin has checked the cause. */
  async endSuspension(tx: Transaction, admin: Admin, id: string): Promise<void> {
    const current = await this.locked(tx, id);
    await this.raiseRevision(tx, id, NOT_SUSPENDED);
    await this.recordResumed(tx, admin.actor, current, NOT_SUSPENDED);
  }

  /** Every change that ends a suspension calls this in its own transaction. */
  async recordResumed(
    tx: Transaction,
    actor: Actor,
    before: Integration,
    change: StateChange,
  ): Promise<void> {
    const resumed = endOfSuspension(actor, before, change);
    if (resumed === null) return;
    await this.audit.record(tx, resumed);
    await logAfterCommit(tx, before.id, {
      level: 'warn',
      event: resumed.action,
      text: `resumes; it was suspended: ${before.suspensionReason}`,
      detail: { reason: before.suspensionReason! },
    });
  }

  /** If visibility was lost, the engine checks once more whether the credential sees the teams. */
  async scheduleVisibilityProbe(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND suspensionReason = ?', [
      Date.now(),
      id,
      VISIBILITY_LOST,
    ]);
  }

  /** The engine checked and got no clear answer. No further check is planned. */
  async keepVisibilityLost(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = NULL WHERE id = ? AND suspensionReason = ?', [
      id,
      VISIBILITY_LOST,
    ]);
  }

  /** The engine probes a suspended integration at once instead of at its planned time. */
  async probeSoon(tx: Transaction, id: string): Promise<void> {
    await tx.query('UPDATE integration SET nextProbeAt = ? WHERE id = ? AND nextProbeAt IS NOT NULL', [
      Date.now(),
      id,
    ]);
  }

  /** The account matches the recorded one. The check repeats only after the next change of the integration. */
  async accountChecked(tx: Transaction, { id, revision }: Integration): Promise<void> {
    await tx.manager.update(Integration, { id }, { accountCheckedRevision: revision });
  }

  /** The target answered. This ends every suspension and records the account. */
  async connected(tx: Transaction, id: string, account: RemoteAccount): Promise<void> {
    const current = await this.locked(tx, id);
    await tx.manager.update(
      Integration,
      { id },
      { ...NOT_SUSPENDED, ...columnsOf(account), ...whenWorking() },
    );
    await this.recordResumed(tx, systemActor('provisioning'), current, NOT_SUSPENDED);
  }

  /** Records the account and keeps a suspension, because its cause may remain. */
  async identified(tx: Transaction, id: string, account: RemoteAccount): Promise<void> {
    await tx.manager.update(Integration, { id }, columnsOf(account));
  }

  /** The connection fails for a temporary reason. */
  async connectionFailed(tx: Transaction, id: string, failure: ConnectionFailure): Promise<void> {
    await tx.manager.update(Integration, { id }, whenFailed(failure));
  }

  /** Ends the given suspension. A newer suspension with another reason stays. */
  async recovered(tx: Transaction, { id, suspensionReason }: Integration): Promise<void> {
    const current = await findLocked(tx, id);
    if (current?.suspensionReason !== suspensionReason) return;
    await tx.manager.update(Integration, { id }, { ...NOT_SUSPENDED, ...whenWorking() });
    await this.recordResumed(tx, systemActor('provisioning'), current, NOT_SUSPENDED);
  }

  /**
   * Stores the result of a connection test, unless the integration has changed since. A passed test ends a
   * suspension, and the engine retries at once what failed before.
   * @param failure null if every check passed
   */
  async recordConnectionTest(
    admin: Admin,
    tested: Integration,
    { failure, account }: { failure: ConnectionFailure | null; account: RemoteAccount | null },
  ): Promise<void> {
    await this.transactions.run(async (tx) => {
      const current = await findLocked(tx, tested.id);
      if (current?.revision === tested.revision) {
        const change = failure === null ? whenConnected(current, account) : whenFailed(failure);
        await tx.manager.update(Integration, { id: tested.id }, change);
        if (current.suspensionReason !== null && change.suspensionReason === null) {
          this.changes.announce(tx, tested.id);
        }
        await this.recordResumed(tx, admin.actor, current, change);
      }
      if (current && failure === null) await this.tests.call(tx, tested.id);
      await this.auditOf(tx, admin, tested, 'integration.connection_tested', failure?.reason);
    });
  }

  /**
   * @throws Problem 409 if the integration has changed since the secret was tested
   * @throws CredentialRefused 409 if another account has been recorded since the test
   */
  async replaceSecret(
    admin: Admin,
    tried: Integration,
    { secret, account }: { secret: string; account: RemoteAccount | null },
  ): Promise<void> {
    const { id } = tried;
    const sealed = this.secrets.seal(secret, secretBinding(id));
    await this.transactions.run(async (tx) => {
      const current = await this.unchanged(tx, tried);
      assertSameAccount(current, account);
      const change = whenConnected(current, account);
      await this.raiseRevision(tx, id, {
        secretCiphertext: sealed.ciphertext,
        secretKeyId: sealed.keyId,
        ...change,
      });
      await this.scheduleVisibilityProbe(tx, id);
      await this.runs.call(tx, id);
      await this.recordResumed(tx, admin.actor, current, change);
      await this.auditOf(tx, admin, tried, 'integration.secret_changed');
    });
  }

  /** Records a rejected change in the audit. */
  async recordRefused(admin: Admin, integration: Integration, action: string, reason: string): Promise<void> {
    await this.transactions.run((tx) => this.auditOf(tx, admin, integration, action, reason));
  }

  /** @param failure reason of the failure, if any */
  private auditOf(
    tx: Transaction,
    admin: Admin,
    integration: Integration,
    action: string,
    failure?: string,
  ): Promise<void> {
    return this.audit.record(tx, {
      ...eventOf(integration, admin.actor, action),
      ...(failure === undefined ? {} : { outcome: 'failed', detail: { reason: failure } }),
    });
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

async function findLocked(tx: Transaction, id: string): Promise<Integration | null> {
  await tx.query(`SELECT id FROM integration WHERE id = ?${FOR_UPDATE}`, [id]);
  return tx.manager.findOneBy(Integration, { id });
}

/**
 * Ends a suspension, except `visibility_lost`: a working credential is no proof there, so an admin must check the
 * target.
 */
export function whenConnected(current: Integration, account: RemoteAccount | null): StateChange {
  const suspension = current.suspensionReason === VISIBILITY_LOST ? {} : NOT_SUSPENDED;
  const known = account === null || current.accountIdentity !== null ? {} : columnsOf(account);
  return { ...suspension, ...known, ...whenWorking() };
}

function columnsOf({ identity, name, url }: RemoteAccount) {
  return { accountIdentity: identity, accountName: name, accountUrl: url };
}

function whenWorking() {
  return {
    connectionStatus: 'ok' as const,
    connectionReason: null,
    connectionMessage: null,
    connectionCheckedAt: Date.now(),
  };
}

function whenFailed({ reason, message }: ConnectionFailure): StateChange {
  return {
    connectionStatus: 'failed',
    connectionReason: reason,
    connectionMessage: message.slice(0, MESSAGE_LENGTH),
    connectionCheckedAt: Date.now(),
  };
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
