import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module';
import { createApplication } from '../../src/application';
import { readSettings } from '../../src/config/settings';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator';
import type { IntegrationProvider } from '../../src/integrations/provider/integration-provider';
import { type TestDatabase, createTestDatabase } from './database';
import { HttpClient } from './http';
import { ScimClient } from './scim-client';
import { withTarget } from './with-target';
import { waitFor } from './wait';

export const PUBLIC_URL = 'https://scimify.example';
const ADMIN_KEY = 'test-admin-key-0123456789-0123456789';

/** Policies for a test that removes many members at once, which the guard would hold. */
export const WITHOUT_GUARD = {
  guard: { teamPercent: 0, teamMembers: 0, integrationPercent: 0, integrationMembers: 0, deletedTeams: 0 },
};

/** One integration with its SCIM client. */
export interface TestIntegration {
  id: string;
  tenantId: string;
  scimKey: string;
  scim: ScimClient;
}

/** The body for the admin API. */
export interface NewTarget {
  provider: string;
  name: string;
  settings: object;
  secret: string;
  policies?: object;
}

export interface NewTestIntegration {
  authMethod?: 'oauth' | 'api_key';
  policies?: object;
  settings?: object;
  /** The secret of another account than the simulator's default; the settings must match it. */
  secret?: string;
  tenantId?: string;
  enable?: boolean;
}

/** The product on a free port, with its own database and a simulated PagerDuty. */
export class Scimify {
  url = '';
  app!: NestFastifyApplication;

  private constructor(
    readonly pagerDuty: Simulator,
    private readonly database: TestDatabase,
    private readonly dataDirectory: string,
    private readonly target: IntegrationProvider | null,
  ) {}

  /** @param target another provider, registered in addition to PagerDuty */
  static async start(
    env: Record<string, string> = {},
    simulator: SimulatorOptions = {},
    target: IntegrationProvider | null = null,
  ): Promise<Scimify> {
    const database = await createTestDatabase();
    const pagerDuty = await startSimulator({ rateLimit: 100_000, ...simulator });
    const dataDirectory = mkdtempSync(join(tmpdir(), 'scimify-data-'));
    const scimify = new Scimify(pagerDuty, database, dataDirectory, target);
    await scimify.boot(env);
    return scimify;
  }

  /** Restarts with other settings and the same database. */
  async restart(env: Record<string, string> = {}): Promise<void> {
    await this.app.close();
    await this.boot(env);
  }

  private async boot(env: Record<string, string>): Promise<void> {
    const settings = readSettings({
      PORT: '0',
      DATABASE_URL: this.database.url,
      SCIMIFY_DATA_DIR: this.dataDirectory,
      SCIMIFY_PUBLIC_URL: PUBLIC_URL,
      SCIMIFY_ADMIN_KEY: ADMIN_KEY,
      SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      SCIMIFY_NEW_DATABASE: 'true',
      PAGERDUTY_API_URL: this.pagerDuty.url,
      PAGERDUTY_IDENTITY_URL: this.pagerDuty.url,
      // Tests send many requests per minute.
      SCIMIFY_SCIM_RATE_LIMIT: '0',
      SCIMIFY_ADMIN_RATE_LIMIT: '0',
      SCIMIFY_TENANT_RATE_LIMIT: '0',
      // And many parallel requests, from one address and one tenant.
      SCIMIFY_PARALLEL_REQUESTS: '1000',
      SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS: '2000',
      SCIMIFY_MAX_INTEGRATIONS: '1000',
      // Writing the documents takes as long as the rest of the start.
      SCIMIFY_API_DOCS: 'false',
      SCIMIFY_LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      ...env,
    });
    const shipped = AppModule.forRoot(settings);
    const rooms = this.target ? withTarget(shipped, this.target) : shipped;
    this.app = await createApplication(rooms, settings, pino({ level: settings.logLevel }));
    try {
      await this.app.listen(0, '127.0.0.1');
      this.url = await this.app.getUrl();
    } catch (error) {
      // Open handles would keep the test runner running.
      await this.stop();
      throw error;
    }
  }

  /** Admin key of the whole platform. */
  readonly adminKey = ADMIN_KEY;

  get admin(): HttpClient {
    return new HttpClient(`${this.url}/api/v1`, { Authorization: `Bearer ${ADMIN_KEY}` });
  }

  /** A client of `/scim/v2/{integrationId}` with this key. */
  scimWith(integrationId: string, key: string): ScimClient {
    return new ScimClient(`${this.url}/scim/v2/${integrationId}`, key);
  }

  async createTenant(name = 'Acme'): Promise<string> {
    return (await this.admin.post('/tenants', { name })).body.id;
  }

  async createIntegration(options: NewTestIntegration = {}): Promise<TestIntegration> {
    const account = this.accountSettings(options.authMethod ?? 'oauth');
    const pagerDuty = {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { ...account.settings, ...options.settings },
      secret: options.secret ?? account.secret,
      policies: options.policies,
    };
    return this.integrate(pagerDuty, options);
  }

  /** Creates an integration of any provider, and a SCIM key. */
  async integrate(
    target: NewTarget,
    options: Pick<NewTestIntegration, 'tenantId' | 'enable'> = {},
  ): Promise<TestIntegration> {
    const tenantId = options.tenantId ?? (await this.createTenant());
    const answer = await this.admin.post(`/tenants/${tenantId}/integrations`, target);
    if (answer.status !== 201) throw new Error(`No integration: ${JSON.stringify(answer.body)}`);
    const { id } = answer.body;
    const key = await this.admin.post(`/integrations/${id}/scim-keys`, { name: 'Okta' });
    if (options.enable !== false) await this.admin.post(`/integrations/${id}/enable`);
    return { id, tenantId, scimKey: key.body.token, scim: this.scimWith(id, key.body.token) };
  }

  /** All groups of the integration from the admin API. */
  async groups(integration: TestIntegration): Promise<any[]> {
    const items: any[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: any = await this.admin.get(
        `/integrations/${integration.id}/groups?limit=200${cursor && `&cursor=${cursor}`}`,
      );
      items.push(...page.body.items);
      cursor = page.body.nextCursor;
    }
    return items;
  }

  async members(integration: TestIntegration, groupId: string): Promise<any[]> {
    const path = `/integrations/${integration.id}/groups/${groupId}/members?limit=200`;
    return (await this.admin.get(path)).body.items;
  }

  /** Waits until every group is in one of these states. */
  settled(integration: TestIntegration, states = ['synced'], timeoutMs?: number): Promise<any[]> {
    return waitFor(
      `groups to be ${states.join(' or ')}`,
      () => this.groups(integration),
      (groups) => groups.every(({ state }) => states.includes(state)),
      timeoutMs,
    );
  }

  /** Teams of the simulated PagerDuty: team name → sorted addresses. */
  teams(): Record<string, string[]> {
    return Object.fromEntries(
      this.pagerDuty.teams().map(({ name, members }) => [name, members.map(({ email }) => email).sort()]),
    );
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.pagerDuty.close();
    await this.database.remove();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  private accountSettings(authMethod: 'oauth' | 'api_key') {
    if (authMethod === 'api_key') return { settings: { authMethod }, secret: this.pagerDuty.addApiKey() };
    const { clientId, clientSecret } = this.pagerDuty.addOAuthClient();
    return {
      settings: { authMethod, clientId, accountSubdomain: 'acme', accountRegion: 'us' },
      secret: clientSecret,
    };
  }
}
