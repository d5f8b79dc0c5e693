import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../audit/audit-log';
import { TransactionRunner } from '../../database/transaction-runner';
import type { Admin } from '../../tenants/authentication/admin';
import { Connections } from '../connections/connections.service';
import { eventOf } from '../integration-events';
import type { Integration } from '../integration.entity';
import { findLocked } from '../integrations.service';
import { Suspensions, type TestedConnection } from '../suspensions.service';
import { type ConnectionDiagnosis, diagnose, explanationOf } from './diagnosis';
import { sameAccountCheck } from './same-account';
import { TestedConnections } from './tested-connections';

/** Tests the stored connection, in every mode of the integration. */
@Injectable()
export class ConnectionTests {
  constructor(
    private readonly connections: Connections,
    private readonly suspensions: Suspensions,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly tests: TestedConnections,
  ) {}

  /** Also stores the result with the integration. A passed test ends a suspension. */
  async run(admin: Admin, integration: Integration): Promise<ConnectionDiagnosis> {
    const { connection } = this.connections.open(integration);
    const diagnosis = withAccountCheck(integration, await diagnose(connection));
    const { ok, account, failure } = diagnosis;
    this.connections.forgetFailures(integration.id);
    await this.store(admin, integration, {
      account,
      failure: ok ? null : { reason: failure?.reason ?? 'failed', message: explanationOf(failure!) },
    });
    return diagnosis;
  }

  /** An integration that has changed during the test keeps its state: the result concerns its former connection. */
  private async store(admin: Admin, tested: Integration, result: TestedConnection): Promise<void> {
    const { failure } = result;
    await this.transactions.run(async (tx) => {
      const current = await findLocked(tx, tested.id);
      if (current?.revision === tested.revision) {
        await this.suspensions.connectionTested(tx, admin, current, result);
      }
      if (current && failure === null) await this.tests.call(tx, tested.id);
      await this.audit.record(tx, {
        ...eventOf(tested, admin.actor, 'integration.connection_tested'),
        ...(failure === null ? {} : { outcome: 'failed', detail: { reason: failure.reason } }),
      });
    });
  }
}

export function withAccountCheck(
  integration: Integration,
  diagnosis: ConnectionDiagnosis,
): ConnectionDiagnosis {
  const check = sameAccountCheck(integration, diagnosis.account);
  return check === null ? diagnosis : diagnosis.with(check);
}
