import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { OAuthCredentials, Simulator } from '../../simulator/simulator';
import { InProcessCallSlots } from '../../src/integrations/connections/call-slots';
import { InProcessRateBudget } from '../../src/integrations/connections/rate-budget';
import { InProcessTokenStore } from '../../src/integrations/connections/token-store';
import type {
  CallContext,
  CallPriority,
  ConnectionHost,
  ProviderConnection,
} from '../../src/integrations/provider/integration-provider';
import { PagerDutyProvider } from '../../src/pagerduty/pagerduty-provider';

/** What the product gives to all connections with one credential. */
export function hostOf(): ConnectionHost {
  return {
    budget: new InProcessRateBudget(),
    tokens: new InProcessTokenStore(),
    slots: new InProcessCallSlots(4),
  };
}

/** Opens a connection to a simulated account in the same way as the product. */
export function connectTo(
  simulator: Simulator,
  credential: string | OAuthCredentials,
  host: ConnectionHost = hostOf(),
): ProviderConnection {
  // Axios declares its types twice, once per module system. The instance is the same.
  const http = new HttpService(axios.create({ timeout: 5_000 }) as unknown as HttpService['axiosRef']);
  const provider = new PagerDutyProvider(http, { apiUrl: simulator.url, identityUrl: simulator.url });
  if (typeof credential === 'string') {
    const settings = { authMethod: 'api_key' as const, accountRegion: 'us' as const };
    return provider.connect({ settings, secret: credential }, host);
  }
  const { clientId, subdomain, region, clientSecret } = credential;
  const settings = {
    authMethod: 'oauth' as const,
    clientId,
    accountSubdomain: subdomain,
    accountRegion: region,
  };
  return provider.connect({ settings, secret: clientSecret }, host);
}

export function callContext(priority: CallPriority = 'interactive'): CallContext {
  return { signal: new AbortController().signal, priority, assertMaySend: () => undefined };
}
