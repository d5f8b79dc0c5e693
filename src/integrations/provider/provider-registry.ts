import { Inject, Injectable } from '@nestjs/common';
import type { IntegrationProvider } from './integration-provider';

/** Injection token of every `IntegrationProvider` that this build knows. */
export const INTEGRATION_PROVIDERS = Symbol('INTEGRATION_PROVIDERS');

@Injectable()
export class ProviderRegistry {
  private readonly byType: ReadonlyMap<string, IntegrationProvider>;

  constructor(@Inject(INTEGRATION_PROVIDERS) providers: readonly IntegrationProvider[]) {
    this.byType = new Map(providers.map((provider) => [provider.type, provider]));
  }

  get types(): string[] {
    return [...this.byType.keys()];
  }

  find(type: string): IntegrationProvider | undefined {
    return this.byType.get(type);
  }

  /** For a type that is stored with an integration. */
  get(type: string): IntegrationProvider {
    const provider = this.byType.get(type);
    if (!provider) throw new Error(`This build of Scimify has no provider "${type}"`);
    return provider;
  }
}
