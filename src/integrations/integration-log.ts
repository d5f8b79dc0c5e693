import { Logger } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';

const logger = new Logger('Integrations');

/** What happened to an integration that an operator may have to know of. */
export interface IntegrationNews {
  level: 'warn' | 'log';
  /** As the audit calls it, where it does. */
  event: string;
  /** Goes on after the names of integration and tenant. */
  text: string;
  /** Ids and codes; never a person. */
  detail?: Record<string, string | number>;
}

/** One line in the log once the transaction is committed; none for an integration that is gone. */
export async function tell(
  tx: Transaction,
  integrationId: string,
  { level, event, text, detail }: IntegrationNews,
): Promise<void> {
  const [named] = await tx.query<{ integration: string; tenantId: string; tenant: string }>(
    `SELECT i.name AS integration, i.tenantId AS tenantId, t.name AS tenant
     FROM integration i JOIN tenant t ON t.id = i.tenantId WHERE i.id = ?`,
    [integrationId],
  );
  if (!named) return;
  const { integration, tenantId, tenant } = named;
  // As JSON no name breaks the line.
  const who = `Integration ${JSON.stringify(integration)} of tenant ${JSON.stringify(tenant)}`;
  tx.afterCommit(() =>
    logger[level](`${who} ${text}`, { event, tenantId, tenant, integrationId, integration, ...detail }),
  );
}
