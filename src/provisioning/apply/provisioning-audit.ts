import { Injectable } from '@nestjs/common';
import { systemActor } from '../../audit/actor';
import { type AuditEntry, AuditLog } from '../../audit/audit-log';
import type { Transaction } from '../../database/transaction-runner';
import type { RunContext } from './run-context';

/**
 * `cause`: id of the request that caused the write; the audit event of that request names the actor. Null if it is
 * not known.
 */
export type EngineEntry = Pick<AuditEntry, 'action' | 'target' | 'outcome' | 'attempt' | 'detail'> & {
  cause?: string | null;
};

/** Audits every write to a target with its cause and its effect. */
@Injectable()
export class ProvisioningAudit {
  constructor(private readonly audit: AuditLog) {}

  record(tx: Transaction, run: RunContext, entries: readonly EngineEntry[]): Promise<void> {
    return this.audit.recordAll(
      tx,
      entries.map(({ cause, ...entry }) => ({
        ...entry,
        actor: { ...systemActor('provisioning'), requestId: cause ?? null },
        tenantId: run.integration.tenantId,
        integrationId: run.integration.id,
      })),
    );
  }
}
