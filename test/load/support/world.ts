import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { type Simulator, startSimulator } from '../../../simulator/simulator';
import { type TestDatabase, createTestDatabase } from '../../support/database';
import { HttpClient } from '../../support/http';
import { ScimClient } from '../../support/scim-client';
import { MeasuredScimify } from './measured-scimify';
import { type Sql, insertRows, openSql } from './sql';

const PLATFORM_KEY = 'load-admin-key-0123456789-0123456789';
/** Placeholder in the template resource. Each copy has its number there. */
const MARK = 'template';

/** Tests send many requests per minute. */
export const UNLIMITED = {
  SCIMIFY_SCIM_RATE_LIMIT: '0',
  SCIMIFY_ADMIN_RATE_LIMIT: '0',
  SCIMIFY_TENANT_RATE_LIMIT: '0',
};

/** How much data a tenant's integration has. */
interface Size {
  users: number;
  /** The number of members of each group. */
  groups: readonly number[];
  auditEvents: number;
  refusedWrites: number;
  /** Whether each user is nearly as large as allowed. */
  large?: boolean;
}

export interface Directory {
  integrationId: string;
  scimKey: string;
  userIds: readonly string[];
  groupIds: readonly string[];
}

export interface LoadTenant extends Directory {
  tenantId: string;
  adminKeys: Record<'owner' | 'admin' | 'viewer', string>;
}

/** A platform with one hostile and one quiet tenant. */
export class World {
  private readonly dataDirectory = mkdtempSync(join(tmpdir(), 'scimify-load-'));
  /** 20,000 users and 100 groups. The first 20 groups (or all) have 20,000 members. */
  big!: LoadTenant;
  /** Another integration of the big tenant: 200 users of nearly 256 KiB each. */
  large!: Directory;
  /** 200 users, 10 groups of 20. */
  quiet!: LoadTenant;

  readonly platformKey = PLATFORM_KEY;

  private constructor(
    private readonly database: TestDatabase,
    private readonly pagerDuty: Simulator,
  ) {}

  /** @param full all 100 groups have 20,000 members: two million memberships */
  static async create(full: boolean): Promise<World> {
    const world = new World(await createTestDatabase(), await startSimulator({ rateLimit: 100_000 }));
    try {
      await world.fill(full);
    } catch (error) {
      await world.remove();
      throw error;
    }
    return world;
  }

  /** Starts the product on this data. `env` overrides the default limits. */
  start(env: Record<string, string>): Promise<MeasuredScimify> {
    return MeasuredScimify.start({
      DATABASE_URL: this.database.url,
      SCIMIFY_DATA_DIR: this.dataDirectory,
      SCIMIFY_ADMIN_KEY: PLATFORM_KEY,
      SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      SCIMIFY_NEW_DATABASE: 'true',
      SCIMIFY_LOG_LEVEL: 'error',
      PAGERDUTY_API_URL: this.pagerDuty.url,
      PAGERDUTY_IDENTITY_URL: this.pagerDuty.url,
      ...env,
    });
  }

  async remove(): Promise<void> {
    await this.pagerDuty.close();
    await this.database.remove();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  private async fill(full: boolean): Promise<void> {
    const scimify = await this.start(UNLIMITED);
    try {
      await this.createTenants(scimify);
    } finally {
      await scimify.stop();
    }
    const groups = Array.from({ length: 100 }, (_, group) => (full || group < 20 ? 20_000 : 1_000));
    const sql = await openSql(this.database.settings);
    const filled = async <T extends Directory>(directory: T, size: Size): Promise<T> => ({
      ...directory,
      ...(await fillDirectory(sql, directory, size)),
    });
    const few = Array.from({ length: 10 }, () => 20);
    this.big = await filled(this.big, { users: 20_000, groups, auditEvents: 20_000, refusedWrites: 1_000 });
    this.large = await filled(this.large, {
      users: 200,
      groups: [200],
      auditEvents: 0,
      refusedWrites: 0,
      large: true,
    });
    this.quiet = await filled(this.quiet, { users: 200, groups: few, auditEvents: 100, refusedWrites: 0 });
    await countDirectories(sql);
    await sql.close();
  }

  private async createTenants(scimify: MeasuredScimify): Promise<void> {
    this.big = await this.createTenant(scimify, 'Big');
    this.large = await this.createDirectory(scimify, this.big.tenantId, 'Large');
    this.quiet = await this.createTenant(scimify, 'Quiet');
  }

  private async createTenant(scimify: MeasuredScimify, name: string): Promise<LoadTenant> {
    const admin = this.admin(scimify);
    const { id: tenantId } = (await admin.post('/tenants', { name })).body;
    const adminKey = async (role: string): Promise<string> =>
      (await admin.post(`/tenants/${tenantId}/admin-keys`, { name: role, role })).body.token;
    return {
      tenantId,
      adminKeys: {
        owner: await adminKey('owner'),
        admin: await adminKey('admin'),
        viewer: await adminKey('viewer'),
      },
      ...(await this.createDirectory(scimify, tenantId, name)),
    };
  }

  /** Creates an integration that stays paused, with one user and one group as templates for the others. */
  private async createDirectory(
    scimify: MeasuredScimify,
    tenantId: string,
    name: string,
  ): Promise<Directory> {
    const admin = this.admin(scimify);
    const integration = await admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name,
      settings: { authMethod: 'api_key' },
      secret: this.pagerDuty.addApiKey(),
    });
    const integrationId: string = integration.body.id;
    const key = await admin.post(`/integrations/${integrationId}/scim-keys`, { name: 'Okta' });
    const scim = new ScimClient(`${scimify.url}/scim/v2/${integrationId}`, key.body.token);
    const user = await scim.createUser(`User.${MARK}@example.com`, {
      externalId: `00u-${MARK}`,
      title: 'Engineer',
      emails: [{ primary: true, value: `user.${MARK}@example.com`, type: 'work' }],
      addresses: [{ type: 'work', locality: 'Munich', country: 'DE' }],
      entitlements: [{ value: 'entitlement', type: 'application' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Operations' },
    });
    const group = await scim.createGroup(`Group ${MARK}`);
    return { integrationId, scimKey: key.body.token, userIds: [user], groupIds: [group] };
  }

  private admin(scimify: MeasuredScimify): HttpClient {
    return new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${PLATFORM_KEY}` });
  }
}

/** Many small values, so that a user is near the limit for one resource: 256 KiB. */
const LARGE_VALUES = Array.from({ length: 5_000 }, (_, n) => ({
  value: `entitlement ${n}`,
  type: 'application',
}));

/**
 * Inserts resources as if each had been sent in its own request. The rows are copies of the template's rows with another
 * id and another number.
 */
async function fillDirectory(
  sql: Sql,
  { integrationId, userIds: [user], groupIds: [group] }: Directory,
  size: Size,
): Promise<Pick<Directory, 'userIds' | 'groupIds'>> {
  const userIds = await copies(sql, 'scim_user', user!, size.users, size.large);
  const groupIds = await copies(sql, 'scim_group', group!, size.groups.length);
  for (const [n, members] of size.groups.entries()) {
    await sql.run(
      `INSERT INTO group_member (groupId, userId, integrationId)
       SELECT ?, id, integrationId FROM scim_user WHERE integrationId = ? AND id <= ? ORDER BY id`,
      [groupIds[n]!, integrationId, userIds[members - 1]!],
    );
  }
  // As after a first push: the engine has to compare everything with the target.
  await sql.run('DELETE FROM group_change WHERE integrationId = ?', [integrationId]);
  await insertRows(
    sql,
    'group_change',
    groupIds.map((groupId) => ({ groupId, integrationId, mark: uuid(), whole: 1, since: Date.now() })),
  );
  const [audited] = await sql.rows('SELECT * FROM audit_event WHERE integrationId = ? LIMIT 1', [
    integrationId,
  ]);
  await insertRows(
    sql,
    'audit_event',
    Array.from({ length: size.auditEvents }, (_, n) => ({
      ...audited,
      id: uuid(),
      targetId: userIds[n % userIds.length]!,
    })),
  );
  await insertRows(
    sql,
    'refused_write',
    Array.from({ length: size.refusedWrites }, (_, n) => ({
      id: uuid(),
      integrationId,
      resourceType: 'User',
      resourceKey: `key ${n}`,
      resourceId: null,
      method: 'POST',
      at: Date.now(),
      path: '/Users',
      status: 400,
      detail: 'A sentence that says what was wrong with it.',
      named: '["userName"]',
      scimKey: 'Okta',
    })),
  );
  return { userIds, groupIds };
}

/** @returns the ids of the copies, in order */
async function copies(
  sql: Sql,
  table: string,
  template: string,
  count: number,
  isLarge = false,
): Promise<string[]> {
  const [stored] = await sql.rows(`SELECT * FROM ${table} WHERE id = ?`, [template]);
  const ids = Array.from(
    { length: count },
    (_, n) => `${template.slice(0, -7)}${String(n).padStart(7, '0')}`,
  );
  await insertRows(
    sql,
    table,
    ids.map((id, n) =>
      Object.fromEntries(
        Object.entries(stored!).map(([column, value]) => {
          if (typeof value !== 'string' || column === 'integrationId') return [column, value];
          const copied = value.replaceAll(MARK, String(n).padStart(6, '0')).replaceAll(template, id);
          return [column, column === 'resource' && isLarge ? enlarged(copied) : copied];
        }),
      ),
    ),
  );
  await sql.run(`DELETE FROM ${table} WHERE id = ?`, [template]);
  return ids;
}

function enlarged(resource: string): string {
  return JSON.stringify({ ...JSON.parse(resource), entitlements: LARGE_VALUES });
}

async function countDirectories(sql: Sql): Promise<void> {
  await sql.run('DELETE FROM directory_count');
  await sql.run(
    `INSERT INTO directory_count (integrationId, tenantId, users, groups_, memberships)
     SELECT i.id, i.tenantId,
       (SELECT COUNT(*) FROM scim_user u WHERE u.integrationId = i.id AND u.deletedAt IS NULL),
       (SELECT COUNT(*) FROM scim_group g WHERE g.integrationId = i.id AND g.deletedAt IS NULL),
       (SELECT COUNT(*) FROM group_member m JOIN scim_group g ON g.id = m.groupId WHERE g.integrationId = i.id)
     FROM integration i`,
  );
}
