import { resolve } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type DatabaseSettings, databaseSettings } from './database-settings';
import { Environment } from './environment';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Everything that the operator may decide, read once at boot. */
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
  startPaused: boolean;
  /** 0: for ever. */
  auditRetentionDays: number;
  /** Addresses and networks whose word on the client's address is taken. */
  trustedProxies: readonly string[];
  /** Requests a second: of one integration at the SCIM door, of one key at the admin API. 0: any number. */
  rateLimits: { scim: number; admin: number };
  logLevel: LogLevel;
  pagerDuty: { apiUrl: string | null; identityUrl: string | null; parallelCalls: number | null };
}

/** Injection token of `Settings`. */
export const SETTINGS = Symbol('SETTINGS');

/** What the operator has to mend before Scimify can boot: one line for each wrong setting. */
export class SettingsInvalidError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Scimify cannot start, mend these settings:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'SettingsInvalidError';
  }
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/** @throws SettingsInvalidError that lists everything wrong, never a value */
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
    if (!given.SCIMIFY_PUBLIC_URL && !LOOPBACK.has(host)) {
      problems.push(`SCIMIFY_PUBLIC_URL must be set ${why}: the address that identity providers reach`);
    }
  }
  if (problems.length > 0) throw new SettingsInvalidError(problems);

  return {
    host,
    port,
    publicUrl: (given.SCIMIFY_PUBLIC_URL ?? `http://localhost:${port}`).replace(/\/+$/, ''),
    database,
    dataDirectory,
    encryptionKeys: given.SCIMIFY_ENCRYPTION_KEY?.split(',').map((key) => Buffer.from(key, 'base64')) ?? null,
    adminKey: given.SCIMIFY_ADMIN_KEY ?? null,
    startPaused: given.SCIMIFY_START_PAUSED === 'true' || given.SCIMIFY_START_PAUSED === '1',
    auditRetentionDays: Number(given.SCIMIFY_AUDIT_RETENTION_DAYS ?? '365'),
    trustedProxies: given.SCIMIFY_TRUSTED_PROXIES?.split(',').map((network) => network.trim()) ?? [],
    rateLimits: {
      scim: Number(given.SCIMIFY_SCIM_RATE_LIMIT ?? '200'),
      admin: Number(given.SCIMIFY_ADMIN_RATE_LIMIT ?? '50'),
    },
    logLevel: (given.SCIMIFY_LOG_LEVEL as LogLevel | undefined) ?? 'info',
    pagerDuty: {
      apiUrl: given.PAGERDUTY_API_URL ?? null,
      identityUrl: given.PAGERDUTY_IDENTITY_URL ?? null,
      parallelCalls: given.PAGERDUTY_PARALLEL_CALLS ? Number(given.PAGERDUTY_PARALLEL_CALLS) : null,
    },
  };
}

function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}
