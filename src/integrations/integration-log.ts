import { Logger } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';

const logger = new Logger('Integrations');

/** A log line about an integration, for operators. */
export interface IntegrationLogLine {
  level: 'warn' | 'log';
  /** The audit action, if there is one. */
  event: string;
  /** Follows the names of integration and tenant. */
  text: string;
  /** Only ids and codes, no personal data. */
  detail?: Record<string, string | number>;
}

/** Writes one log line after the commit. Writes nothing if the integration no longer exists. */
export async function logAfterCommit(
  tx: Transaction,
  integrationId: string,
  { level, event, text, detail }: IntegrationLogLine,
): Promise<void> {
  const [named] = await tx.query<{ integration: string; tenantId: string; tenant: string }>(
    `SELECT i.name AS integration, i.tenantId AS tenantId, t.name AS tenant
     FROM integration i JOIN tenant t ON t.id = i.tenantId WHERE i.id = ?`,
    [integrationId],
  );
  if (!named) return;
  const { integration, tenantId, tenant } = named;
  // JSON escapes line breaks in names.
  const who = `Integration ${JSON.stringify(integration)} of tenant ${JSON.stringify(tenant)}`;
  tx.afterCommit(() =>
    logger[level](`${who} ${text}`, { event, tenantId, tenant, integrationId, integration, ...detail }),
  );
}
