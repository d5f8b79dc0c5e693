import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator';
import { type TestDatabase, createTestDatabase } from './database';
import { HttpClient } from './http';
import { ScimClient } from './scim-client';
import { ScimifyProcess } from './scimify-process';

const DIST = join(__dirname, '../../dist/src');
export const ADMIN_KEY = 'installation-admin-key-0123456789-01';

/** One database and one simulated PagerDuty, with any number of Scimify processes. */
export class Installation {
  private readonly directory = mkdtempSync(join(tmpdir(), 'scimify-installation-'));
  private readonly processes: ScimifyProcess[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly pagerDuty: Simulator,
  ) {}

  static async create(simulator: SimulatorOptions = {}): Promise<Installation> {
    const database = await createTestDatabase();
    return new Installation(database, await startSimulator({ rateLimit: 100_000, ...simulator }));
  }

  /** @param more settings for this process only */
  async process(more: Record<string, string> = {}): Promise<ScimifyProcess> {
    const scimify = await ScimifyProcess.create({ SCIMIFY_NEW_DATABASE: 'true', ...this.env(more) });
    this.processes.push(scimify);
    return scimify;
  }

  async start(more: Record<string, string> = {}): Promise<ScimifyProcess> {
    const scimify = await this.process(more);
    await scimify.start();
    return scimify;
  }

  /** Runs a script that ends by itself, and waits for the end. */
  run(script: 'main' | 'commands/rotate-secrets', more: Record<string, string>) {
    const { PATH = '' } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, `${script}.js`)], {
      env: { PATH, PORT: '0', ...this.env(more) },
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status, stdout, stderr };
  }

  async remove(): Promise<void> {
    for (const scimify of this.processes) await scimify.stop();
    await this.pagerDuty.close();
    await this.database.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private env(more: Record<string, string>): Record<string, string> {
    return {
      DATABASE_URL: this.database.url,
      SCIMIFY_DATA_DIR: this.directory,
      SCIMIFY_ADMIN_KEY: ADMIN_KEY,
      SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      // Tests send many parallel requests from one address.
      SCIMIFY_PARALLEL_REQUESTS: '1000',
      SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS: '2000',
      // And many requests per minute.
      SCIMIFY_SCIM_RATE_LIMIT: '0',
      SCIMIFY_ADMIN_RATE_LIMIT: '0',
      SCIMIFY_TENANT_RATE_LIMIT: '0',
      SCIMIFY_API_DOCS: 'false',
      SCIMIFY_LOG_LEVEL: 'warn',
      PAGERDUTY_API_URL: this.pagerDuty.url,
      PAGERDUTY_IDENTITY_URL: this.pagerDuty.url,
      ...more,
    };
  }
}

/** The admin API of one process. */
export function adminOf(scimify: ScimifyProcess, key = ADMIN_KEY): HttpClient {
  return new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${key}` });
}

export function scimOf(scimify: ScimifyProcess, integrationId: string, key: string): ScimClient {
  return new ScimClient(`${scimify.url}/scim/v2/${integrationId}`, key);
}

export interface SetUp {
  tenantId: string;
  integrationId: string;
  scimKeyId: string;
  scimKey: string;
}

/** An enabled integration with a SCIM key. */
export async function setUp(admin: HttpClient, apiKey: string, policies?: object): Promise<SetUp> {
  const tenant = await admin.post('/tenants', { name: 'Acme' });
  const integration = await admin.post(`/tenants/${tenant.body.id}/integrations`, {
    provider: 'pagerduty',
    name: 'PagerDuty',
    settings: { authMethod: 'api_key' },
    secret: apiKey,
    policies,
  });
  if (integration.status !== 201) throw new Error(`No integration: ${JSON.stringify(integration.body)}`);
  const key = await admin.post(`/integrations/${integration.body.id}/scim-keys`, { name: 'Okta' });
  await admin.post(`/integrations/${integration.body.id}/enable`);
  return {
    tenantId: tenant.body.id,
    integrationId: integration.body.id,
    scimKeyId: key.body.id,
    scimKey: key.body.token,
  };
}
