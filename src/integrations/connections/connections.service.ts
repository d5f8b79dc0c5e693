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
  /** When somebody last asked for it, by the monotonic clock. */
  usedAt: number;
  /** What it looked up is not to be used any more. */
  outdated?: true;
}

/** What one credential shares within this process. */
interface Host extends ConnectionHost {
  readonly tokens: InProcessTokenStore;
  readonly budget: InProcessRateBudget;
}

/** Changes that another process made are noticed so soon. */
const LOOK_EVERY_MS = 60_000;
/** A connection that nobody has asked for in so long is opened again when somebody does. */
const IDLE_AFTER_MS = 60 * 60_000;

/**
 * Opens the targets of integrations, and forgets them with their tokens once they are deleted, others, or not used for long.
 * One credential has one token, one rate budget and so many calls at once, however many use it.
 */
@Injectable()
export class Connections implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Connections.name);
  private readonly opened = new Map<string, CachedConnection>();
  /** With the integrations that use each: the last one takes it along. */
  private readonly hosts = new Map<string, { host: Host; users: Set<string> }>();
  /** Lives as long as the process, like what is stored under it. */
  private readonly hashKey = randomBytes(32);
  private unsubscribe: (() => void) | null = null;
  private looker: NodeJS.Timeout | null = null;

  constructor(
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
    private readonly changes: IntegrationChanges,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.changes.subscribe((id) => void this.lookAtChanged(id));
    this.looker = setInterval(() => void this.lookAtAll(), LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    this.unsubscribe?.();
    if (this.looker) clearInterval(this.looker);
  }

  /**
   * A secret that can not be decrypted, or settings that this version does not accept, open a connection on which every
   * call fails.
   */
  open(integration: Integration): OpenConnection {
    const cached = this.opened.get(integration.id);
    if (cached?.revision === integration.revision && !cached.outdated) {
      cached.usedAt = performance.now();
      return cached;
    }
    const provider = this.providers.get(integration.provider);
    const settings = this.settingsOf(integration);
    // Neither is kept: once the row or the keys are mended, the next look finds it so.
    if (settings instanceof SettingsError) return { provider, connection: withRefusedSettings(settings) };
    const secret = this.secretOf(integration);
    if (secret === null) return { provider, connection: withUnreadableSecret() };
    const hostKey = this.hostKeyOf(integration.tenantId, provider, provider.credentialKey(settings, secret));
    const host = this.hosts.get(hostKey)?.host ?? newHost(provider);
    const connection = provider.connect({ settings, secret }, host);
    const usedAt = performance.now();
    const fresh = { provider, connection, revision: integration.revision, hostKey, host, usedAt };
    // Whoever read the integration before a change does not bring back what the change put an end to.
    if (cached === undefined || cached.revision < fresh.revision || isSuperseded(cached, fresh)) {
      this.keep(integration.id, fresh);
    }
    return fresh;
  }

  /** The integration is gone, or has another credential: nothing of it is remembered unless another one uses the same. */
  close(integrationId: string): void {
    const cached = this.opened.get(integrationId);
    if (!cached) return;
    this.opened.delete(integrationId);
    const shared = this.hosts.get(cached.hostKey);
    shared?.users.delete(integrationId);
    if (shared?.users.size === 0) this.hosts.delete(cached.hostKey);
  }

  /** What the target last said of its limit; null where this process has not heard of it. */
  rateOf(integrationId: string): { limit: number; remaining: number } | null {
    return this.opened.get(integrationId)?.host.budget.reading() ?? null;
  }

  /**
   * Somebody wants the target asked now: neither a token that it refused before counts any more nor what was looked up in it.
   * The budget stays, for a rate limit is no failure that anybody mends.
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
      // Whoever opened it anew beside a call that is under way would not count that one.
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

  /** @returns null where it can not be decrypted */
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

  private async lookAtChanged(id: string): Promise<void> {
    if (!this.opened.has(id)) return;
    try {
      await this.lookAt([id]);
    } catch (error) {
      // It is opened again when it is needed.
      this.close(id);
      this.logger.warn(
        `The connection of the changed integration ${id} was closed, not renewed: ${String(error)}`,
      );
    }
  }

  private async lookAtAll(): Promise<void> {
    this.closeIdle();
    try {
      await this.lookAt([...this.opened.keys()]);
    } catch (error) {
      this.logger.warn(`Whether open connections are still as stored could not be read: ${String(error)}`);
    }
  }

  /** Opens anew what was changed: a credential that stayed the same keeps its token and its budget. */
  private async lookAt(ids: readonly string[]): Promise<void> {
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

  /** Bound to the tenant, so that nobody gets a token by typing another tenant's client id. */
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

/** What a secret's ciphertext is bound to. */
export function secretBinding(integrationId: string): string {
  return `integration:${integrationId}`;
}
