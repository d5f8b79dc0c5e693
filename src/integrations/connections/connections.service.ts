import { createHmac, randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository } from 'typeorm';
import { chunksOf } from '../../database/chunks';
import { SecretBox, SecretUnreadableError } from '../../security/secret-box';
import { IntegrationChanges } from '../integration-changes';
import { Integration } from '../integration.entity';
import type {
  ConnectionHost,
  IntegrationProvider,
  ProviderConnection,
} from '../provider/integration-provider';
import { SettingsError } from '../provider/provider-error';
import { ProviderRegistry } from '../provider/provider-registry';
import { InProcessCallSlots } from './call-slots';
import { InProcessRateBudget } from './rate-budget';
import { InProcessTokenStore } from './token-store';
import { withRefusedSettings, withUnreadableSecret } from './unusable-connection';

export interface OpenConnection {
  provider: IntegrationProvider;
  connection: ProviderConnection;
}

interface CachedConnection extends OpenConnection {
  revision: number;
  hostKey: string;
  host: Host;
  /** Time of the last use, by the monotonic clock. */
  usedAt: number;
  /** Its cached look-ups must not be used any more. */
  outdated?: true;
}

/** Shared by all integrations of this process that use one credential. */
interface Host extends ConnectionHost {
  readonly tokens: InProcessTokenStore;
  readonly budget: InProcessRateBudget;
}

/** Changes by another process are noticed within this time. */
const REFRESH_EVERY_MS = 60_000;
/** An unused connection is closed after this time. The next use opens it again. */
const IDLE_AFTER_MS = 60 * 60_000;

/**
 * Opens connections to targets. Closes them, with their tokens, when the integration is deleted, has another
 * credential or is unused for long. All integrations with one credential share one token, one rate budget and one
 * limit of parallel calls.
 */
@Injectable()
export class Connections implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Connections.name);
  private readonly opened = new Map<string, CachedConnection>();
  /** With the integrations that use each host. The host goes with its last user. */
  private readonly hosts = new Map<string, { host: Host; users: Set<string> }>();
  /** Lives as long as the process, like the map that it protects. */
  private readonly hashKey = randomBytes(32);
  private unsubscribe: (() => void) | null = null;
  private refreshTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
    private readonly changes: IntegrationChanges,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.changes.subscribe((id) => void this.refreshChanged(id));
    this.refreshTimer = setInterval(() => void this.refreshAll(), REFRESH_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    this.unsubscribe?.();
    if (this.refreshTimer) clearInterval(this.refreshTimer);
  }

  /**
   * If the secret cannot be decrypted or this version rejects the settings, every call on the connection fails.
   */
  open(integration: Integration): OpenConnection {
    const cached = this.opened.get(integration.id);
    if (cached?.revision === integration.revision && !cached.outdated) {
      cached.usedAt = performance.now();
      return cached;
    }
    const provider = this.providers.get(integration.provider);
    const settings = this.settingsOf(integration);
    // Do not cache a failing connection: after a repair of the row or the keys the next call must work.
    if (settings instanceof SettingsError) return { provider, connection: withRefusedSettings(settings) };
    const secret = this.secretOf(integration);
    if (secret === null) return { provider, connection: withUnreadableSecret() };
    const hostKey = this.hostKeyOf(integration.tenantId, provider, provider.credentialKey(settings, secret));
    const host = this.hosts.get(hostKey)?.host ?? newHost(provider);
    const connection = provider.connect({ settings, secret }, host);
    const usedAt = performance.now();
    const fresh = { provider, connection, revision: integration.revision, hostKey, host, usedAt };
    // A caller with an old version of the integration must not replace the newer connection.
    if (cached === undefined || cached.revision < fresh.revision || isSuperseded(cached, fresh)) {
      this.keep(integration.id, fresh);
    }
    return fresh;
  }

  /** Forgets the connection, and its host unless another integration uses the same credential. */
  close(integrationId: string): void {
    const cached = this.opened.get(integrationId);
    if (!cached) return;
    this.opened.delete(integrationId);
    const shared = this.hosts.get(cached.hostKey);
    shared?.users.delete(integrationId);
    if (shared?.users.size === 0) this.hosts.delete(cached.hostKey);
  }

  /** The last known rate limit of the target. Null if this process has not received one. */
  rateOf(integrationId: string): { limit: number; remaining: number } | null {
    return this.opened.get(integrationId)?.host.budget.reading() ?? null;
  }

  /**
   * The next call must ask the target again: forgets a failed token request and cached look-ups. The budget stays,
   * because an admin cannot repair a rate limit.
   */
  forgetFailures(integrationId: string): void {
    const cached = this.opened.get(integrationId);
    const shared = cached && this.hosts.get(cached.hostKey);
    if (!shared) return;
    shared.host.tokens.forgetFailure();
    shared.host = { ...shared.host };
    for (const id of shared.users) this.opened.set(id, { ...this.opened.get(id)!, outdated: true });
  }

  /** @param now by the monotonic clock */
  closeIdle(now: number = performance.now()): void {
    for (const [id, { usedAt, host }] of this.opened) {
      // A new host would not count the calls that are under way on the old one.
      if (now - usedAt >= IDLE_AFTER_MS && host.budget.isIdle) this.close(id);
    }
  }

  private settingsOf({ provider, settings }: Integration): object | SettingsError {
    try {
      return this.providers.parseSettings(provider, settings);
    } catch (error) {
      if (error instanceof SettingsError) return error;
      throw error;
    }
  }

  /** @returns null if it cannot be decrypted */
  private secretOf({ id, secretCiphertext, secretKeyId }: Integration): string | null {
    try {
      return this.secrets.open({ ciphertext: secretCiphertext, keyId: secretKeyId }, secretBinding(id));
    } catch (error) {
      if (error instanceof SecretUnreadableError) return null;
      throw error;
    }
  }

  private keep(integrationId: string, fresh: CachedConnection): void {
    const { hostKey, host } = fresh;
    const shared = this.hosts.get(hostKey) ?? { host, users: new Set() };
    shared.users.add(integrationId);
    this.hosts.set(hostKey, shared);
    if (this.opened.get(integrationId)?.hostKey !== hostKey) this.close(integrationId);
    this.opened.set(integrationId, fresh);
  }

  private async refreshChanged(id: string): Promise<void> {
    if (!this.opened.has(id)) return;
    try {
      await this.refresh([id]);
    } catch (error) {
      // The next use opens it again.
      this.close(id);
      this.logger.warn(
        `The connection of the changed integration ${id} could not be refreshed. It is closed, and the next call opens it again: ${String(error)}`,
      );
    }
  }

  private async refreshAll(): Promise<void> {
    this.closeIdle();
    try {
      await this.refresh([...this.opened.keys()]);
    } catch (error) {
      this.logger.warn(
        `Open connections could not be compared with the database. The next check is in a minute: ${String(error)}`,
      );
    }
  }

  /** Reopens the connections of changed integrations. An unchanged credential keeps its token and its budget. */
  private async refresh(ids: readonly string[]): Promise<void> {
    for await (const some of chunksOf(ids)) {
      const rows = await this.integrations.findBy({ id: In(some) });
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const id of some) this.reopen(id, byId.get(id));
    }
  }

  private reopen(id: string, integration: Integration | undefined): void {
    if (integration && this.opened.get(id)?.revision === integration.revision) return;
    if (integration) this.open(integration);
    if (this.opened.get(id)?.revision !== integration?.revision) this.close(id);
  }

  /** Contains the tenant, so a tenant that enters the client id of another tenant does not get its token. */
  private hostKeyOf(tenantId: string, { type }: IntegrationProvider, credentialKey: string): string {
    return createHmac('sha256', this.hashKey)
      .update(JSON.stringify([tenantId, type, credentialKey]))
      .digest('hex');
  }
}

function isSuperseded(cached: CachedConnection, fresh: CachedConnection): boolean {
  return cached.outdated === true && cached.revision === fresh.revision;
}

function newHost({ limits }: IntegrationProvider): Host {
  return {
    budget: new InProcessRateBudget(),
    tokens: new InProcessTokenStore(),
    slots: new InProcessCallSlots(limits.parallelCalls),
  };
}

/** The context that the ciphertext of a secret is bound to. */
export function secretBinding(integrationId: string): string {
  return `integration:${integrationId}`;
}
