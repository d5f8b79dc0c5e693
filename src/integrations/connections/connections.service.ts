import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretBox, SecretUnreadableError } from '../../security/secret-box';
import type { Integration } from '../integration.entity';
import type {
  ConnectionHost,
  IntegrationProvider,
  ProviderConnection,
} from '../provider/integration-provider';
import { ProviderRegistry } from '../provider/provider-registry';
import { InProcessCallSlots } from './call-slots';
import { InProcessRateBudget } from './rate-budget';
import { InProcessTokenStore } from './token-store';
import { UnreadableSecretConnection } from './unreadable-secret-connection';

export interface OpenConnection {
  provider: IntegrationProvider;
  connection: ProviderConnection;
}

interface CachedConnection extends OpenConnection {
  revision: number;
  host: Host;
}

/** What one credential shares within this process. */
interface Host extends ConnectionHost {
  readonly tokens: InProcessTokenStore;
}

/** Opens the targets of integrations. One credential has one token, one rate budget and so many calls at once, however many use it. */
@Injectable()
export class Connections {
  private readonly opened = new Map<string, CachedConnection>();
  private readonly hosts = new Map<string, Host>();
  /** Lives as long as the process, like what is stored under it. */
  private readonly hostKey = randomBytes(32);

  constructor(
    private readonly providers: ProviderRegistry,
    private readonly secrets: SecretBox,
  ) {}

  /**
   * A secret that can not be decrypted opens a connection on which every call fails.
   *
   * @throws SettingsError when a newer build no longer accepts the stored settings
   */
  open(integration: Integration): OpenConnection {
    const cached = this.opened.get(integration.id);
    if (cached?.revision === integration.revision) return cached;
    const provider = this.providers.get(integration.provider);
    const settings = this.providers.parseSettings(provider.type, integration.settings);
    const secret = this.secretOf(integration);
    // Not kept: once the row or the keys are mended, the next look finds it so.
    if (secret === null) return { provider, connection: new UnreadableSecretConnection() };
    const host = this.hostOf(integration.tenantId, provider, provider.credentialKey(settings, secret));
    const connection = provider.connect({ settings, secret }, host);
    const fresh = { provider, connection, revision: integration.revision, host };
    this.opened.set(integration.id, fresh);
    return fresh;
  }

  /** What the target last said of its limit; null where this process has not heard of it. */
  rateOf(integrationId: string): { limit: number; remaining: number } | null {
    return this.opened.get(integrationId)?.host.budget.reading() ?? null;
  }

  /** A test found the credential good: the next call of the engine has not to be told of an earlier failure. */
  credentialAccepted(integration: Integration): void {
    this.opened.get(integration.id)?.host.tokens.forgetFailure();
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

  /** Bound to the tenant, so that nobody gets a token by typing another tenant's client id. */
  private hostOf(tenantId: string, provider: IntegrationProvider, credentialKey: string): Host {
    const key = createHmac('sha256', this.hostKey)
      .update(JSON.stringify([tenantId, provider.type, credentialKey]))
      .digest('hex');
    let host = this.hosts.get(key);
    if (!host) {
      host = {
        budget: new InProcessRateBudget(),
        tokens: new InProcessTokenStore(),
        slots: new InProcessCallSlots(provider.limits.parallelCalls),
      };
      this.hosts.set(key, host);
    }
    return host;
  }
}

/** What a secret's ciphertext is bound to. */
export function secretBinding(integrationId: string): string {
  return `integration:${integrationId}`;
}
