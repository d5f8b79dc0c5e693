import { resolve } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type DatabaseSettings, databaseSettings } from './database-settings';
import { Environment } from './environment';
import { OperatorError } from './operator-error';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** All settings of the operator, read once at boot. */
export interface Settings {
  host: string;
  port: number;
  /** Address that IdPs see, without a trailing slash. */
  publicUrl: string;
  database: DatabaseSettings;
  /** Absolute path: generated keys and the SQLite file live here. */
  dataDirectory: string;
  /** 32 bytes each; the first encrypts, all decrypt. Null: generate one into the data directory. */
  encryptionKeys: readonly Buffer[] | null;
  /** Platform admin key given by the operator; never stored. Null: generate one at first boot. */
  adminKey: string | null;
  /** Whether Scimify may start with an empty database although there is an encryption key. */
  newDatabase: boolean;
  startPaused: boolean;
  /** 0: for ever. */
  auditRetentionDays: number;
  /** Addresses and networks that Scimify trusts to name the client's address. */
  trustedProxies: readonly string[];
  /**
   * Requests per second: of one integration at the SCIM API, of one key at the admin API, of one tenant at both
   * together. 0: no limit.
   */
  rateLimits: { scim: number; admin: number; tenant: number };
  /** Requests that run at the same time: of one integration at the SCIM API, of one tenant at the admin API. */
  parallelRequests: number;
  connections: ConnectionLimits;
  /** Default limits of one tenant. The platform may set other limits for a tenant. */
  quotas: Quotas;
  /** Whether the OpenAPI documents and Swagger UI are served. */
  apiDocs: boolean;
  logLevel: LogLevel;
  pagerDuty: { apiUrl: string | null; identityUrl: string | null; parallelCalls: number | null };
}

/** Limits of connections and request bodies. */
export interface ConnectionLimits {
  /** Open connections in total. */
  most: number;
  /** Open connections of one client network; trusted proxies have no limit. */
  mostPerNetwork: number;
  headersTimeoutMs: number;
  /** From the end of the headers to the end of the body. */
  bodyTimeoutMs: number;
  /** Bytes of the bodies of all requests that have no response yet. */
  unfinishedBodyBytes: number;
}

export const QUOTA_NAMES = [
  'integrations',
  'adminKeys',
  'scimKeys',
  'users',
  'groups',
  'memberships',
] as const;
export type QuotaName = (typeof QUOTA_NAMES)[number];

/**
 * Limits of one tenant. Only live keys count. `scimKeys` counts for each integration, the others for all together.
 */
export type Quotas = Readonly<Record<QuotaName, number>>;

/** Injection token of `Settings`. */
export const SETTINGS = Symbol('SETTINGS');

/** The operator must correct the settings before Scimify can boot: one line for each wrong setting. */
export class SettingsInvalidError extends OperatorError {
  constructor(readonly problems: readonly string[]) {
    super(`Scimify cannot start. Correct these settings:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'SettingsInvalidError';
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** @throws SettingsInvalidError that lists every problem, never a value */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const given = plainToInstance(Environment, withoutEmpty(env));
  const problems = validateSync(given).map(
    (error) => `${error.property} ${Object.values(error.constraints ?? {}).join(' and ')}`,
  );
  const production = given.NODE_ENV === 'production';
  const dataDirectory = resolve(given.SCIMIFY_DATA_DIR ?? './data');
  const database = databaseSettings(given.DATABASE_URL, dataDirectory);
  const host = given.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  const port = Number(given.PORT ?? '3000');

  if (production || database.kind === 'mysql') {
    const why = production ? 'with NODE_ENV=production' : 'with MySQL';
    if (!given.SCIMIFY_ENCRYPTION_KEY) {
      problems.push(`SCIMIFY_ENCRYPTION_KEY must be set ${why} (openssl rand -base64 32)`);
    }
    if (!given.SCIMIFY_ADMIN_KEY) {
      problems.push(`SCIMIFY_ADMIN_KEY must be set ${why} (openssl rand -hex 32)`);
    }
    if (!given.SCIMIFY_PUBLIC_URL && !isLoopback(host)) {
      problems.push(`SCIMIFY_PUBLIC_URL must be set ${why}: it is the address that identity providers use`);
    }
  }
  const encryptionKeys =
    given.SCIMIFY_ENCRYPTION_KEY?.split(',').map((key) => Buffer.from(key, 'base64')) ?? null;
  if (production) {
    if (given.SCIMIFY_ADMIN_KEY && isNotRandom(given.SCIMIFY_ADMIN_KEY)) {
      problems.push(`SCIMIFY_ADMIN_KEY ${MUST_BE_RANDOM} (openssl rand -hex 32)`);
    }
    // The other keys only decrypt. If they were refused too, there would be no way to change to a better key.
    if (encryptionKeys?.[0] && isNotRandom(encryptionKeys[0])) {
      problems.push(
        `SCIMIFY_ENCRYPTION_KEY ${MUST_BE_RANDOM} (openssl rand -base64 32); put a new one in front of it and run npm run secrets:rotate`,
      );
    }
  }
  if (problems.length > 0) throw new SettingsInvalidError(problems);

  return {
    host,
    port,
    publicUrl: (given.SCIMIFY_PUBLIC_URL ?? `http://localhost:${port}`).replace(/\/+$/, ''),
    database,
    dataDirectory,
    encryptionKeys,
    adminKey: given.SCIMIFY_ADMIN_KEY ?? null,
    newDatabase: given.SCIMIFY_NEW_DATABASE === 'true' || given.SCIMIFY_NEW_DATABASE === '1',
    startPaused: given.SCIMIFY_START_PAUSED === 'true' || given.SCIMIFY_START_PAUSED === '1',
    auditRetentionDays: Number(given.SCIMIFY_AUDIT_RETENTION_DAYS ?? '365'),
    trustedProxies: given.SCIMIFY_TRUSTED_PROXIES?.split(',').map((network) => network.trim()) ?? [],
    rateLimits: {
      scim: Number(given.SCIMIFY_SCIM_RATE_LIMIT ?? '200'),
      admin: Number(given.SCIMIFY_ADMIN_RATE_LIMIT ?? '50'),
      tenant: Number(given.SCIMIFY_TENANT_RATE_LIMIT ?? '400'),
    },
    parallelRequests: Number(given.SCIMIFY_PARALLEL_REQUESTS ?? '8'),
    connections: {
      most: Number(given.SCIMIFY_MAX_CONNECTIONS ?? '2000'),
      mostPerNetwork: Number(given.SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS ?? '500'),
      headersTimeoutMs: Number(given.SCIMIFY_HEADERS_TIMEOUT_SECONDS ?? '10') * 1_000,
      bodyTimeoutMs: Number(given.SCIMIFY_BODY_TIMEOUT_SECONDS ?? '30') * 1_000,
      unfinishedBodyBytes: Number(given.SCIMIFY_UNFINISHED_BODIES_MIB ?? '128') * 1024 * 1024,
    },
    quotas: {
      integrations: Number(given.SCIMIFY_MAX_INTEGRATIONS ?? '50'),
      adminKeys: Number(given.SCIMIFY_MAX_ADMIN_KEYS ?? '100'),
      scimKeys: Number(given.SCIMIFY_MAX_SCIM_KEYS ?? '20'),
      users: Number(given.SCIMIFY_MAX_USERS ?? '500000'),
      groups: Number(given.SCIMIFY_MAX_GROUPS ?? '20000'),
      memberships: Number(given.SCIMIFY_MAX_MEMBERSHIPS ?? '5000000'),
    },
    apiDocs: given.SCIMIFY_API_DOCS !== 'false' && given.SCIMIFY_API_DOCS !== '0',
    logLevel: (given.SCIMIFY_LOG_LEVEL as LogLevel | undefined) ?? 'info',
    pagerDuty: {
      apiUrl: given.PAGERDUTY_API_URL ?? null,
      identityUrl: given.PAGERDUTY_IDENTITY_URL ?? null,
      parallelCalls: given.PAGERDUTY_PARALLEL_CALLS ? Number(given.PAGERDUTY_PARALLEL_CALLS) : null,
    },
  };
}

/** 32 random characters or bytes have far more. */
const MIN_DIFFERENT = 10;
const MUST_BE_RANDOM = `must be random: it has fewer than ${MIN_DIFFERENT} different characters or bytes`;

function isNotRandom(secret: Iterable<string | number>): boolean {
  return new Set<string | number>(secret).size < MIN_DIFFERENT;
}

function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}
