import { Injectable } from '@nestjs/common';
import { systemActor } from '../../audit/actor';
import { type AuditEntry, AuditLog } from '../../audit/audit-log';
import type { Transaction } from '../../database/transaction-runner';
import type { RunContext } from './run-context';

/** Every write to a target is audited, with what it did. */
@Injectable()
export class ProvisioningAudit {
  constructor(private readonly audit: AuditLog) {}

  record(
    tx: Transaction,
    run: RunContext,
    entries: readonly Pick<AuditEntry, 'action' | 'target' | 'outcome' | 'detail'>[],
  ): Promise<void> {
    return this.audit.recordAll(
      tx,
      entries.map((entry) => ({
        ...entry,
        actor: systemActor('provisioning'),
        tenantId: run.integration.tenantId,
        integrationId: run.integration.id,
      })),
    );
  }
}
