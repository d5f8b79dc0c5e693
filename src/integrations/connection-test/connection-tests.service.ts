import { Injectable } from '@nestjs/common';
import type { Admin } from '../../tenants/authentication/admin';
import { Connections } from '../connections/connections.service';
import type { Integration } from '../integration.entity';
import { Integrations } from '../integrations.service';
import { type ConnectionDiagnosis, diagnose, explanationOf } from './diagnosis';
import { sameAccountCheck } from './same-account';

/** Tests the stored connection, in every mode of the integration. */
@Injectable()
export class ConnectionTests {
  constructor(
    private readonly integrations: Integrations,
    private readonly connections: Connections,
  ) {}

  /** Also stores the result with the integration. A passed test ends a suspension. */
  async run(admin: Admin, integration: Integration): Promise<ConnectionDiagnosis> {
    const { connection } = this.connections.open(integration);
    const diagnosis = withAccountCheck(integration, await diagnose(connection));
    const { ok, account, failure } = diagnosis;
    this.connections.forgetFailures(integration.id);
    await this.integrations.recordConnectionTest(admin, integration, {
      account,
      failure: ok ? null : { reason: failure?.reason ?? 'failed', message: explanationOf(failure!) },
    });
    return diagnosis;
  }
}

export function withAccountCheck(
  integration: Integration,
  diagnosis: ConnectionDiagnosis,
): ConnectionDiagnosis {
  const check = sameAccountCheck(integration, diagnosis.account);
  return check === null ? diagnosis : diagnosis.with(check);
}
