import { Injectable } from '@nestjs/common';
import { type ExpectedVersions, assertExpected } from '../../admin-api/if-match';
import { AuditLog } from '../../audit/audit-log';
import { TransactionRunner } from '../../database/transaction-runner';
import { SecretBox } from '../../security/secret-box';
import type { Admin } from '../../tenants/authentication/admin';
import { secretBinding } from '../connections/connections.service';
import { eventOf } from '../integration-events';
import type { Integration } from '../integration.entity';
import { Integrations } from '../integrations.service';
import type { RemoteAccount } from '../provider/integration-provider';
import { RunRequests } from '../run-requests';
import { Suspensions, whenConnected } from '../suspensions.service';
import { CredentialRefused } from './credential-refused';
import { CredentialTrials } from './credential-trials';
import { assertSameAccount } from './same-account';

/** Replaces the stored secret with another one that works. */
@Injectable()
export class SecretChanges {
  constructor(
    private readonly integrations: Integrations,
    private readonly trials: CredentialTrials,
    private readonly suspensions: Suspensions,
    private readonly secrets: SecretBox,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly runs: RunRequests,
  ) {}

  /**
   * @throws Problem 400, 409, 412 or 422 for a refused secret, 503 after an inconclusive test; then nothing is
   * stored
   */
  async replace(
    admin: Admin,
    integration: Integration,
    secret: string,
    expected: ExpectedVersions,
  ): Promise<void> {
    assertExpected(expected, integration);
    try {
      const account = await this.trials.run(integration, integration.settings, secret);
      await this.store(admin, integration, { secret, account });
    } catch (error) {
      if (error instanceof CredentialRefused) {
        await this.integrations.recordRefused(admin, integration, 'integration.secret_changed', error.reason);
      }
      throw error;
    }
  }

  /**
   * @throws Problem 409 if the integration has changed since the secret was tested
   * @throws CredentialRefused 409 if another account has been recorded since the test
   */
  private async store(
    admin: Admin,
    tried: Integration,
    { secret, account }: { secret: string; account: RemoteAccount | null },
  ): Promise<void> {
    const { id } = tried;
    const sealed = this.secrets.seal(secret, secretBinding(id));
    await this.transactions.run(async (tx) => {
      const current = await this.integrations.unchanged(tx, tried);
      assertSameAccount(current, account);
      const change = whenConnected(current, account);
      await this.integrations.raiseRevision(tx, id, {
        secretCiphertext: sealed.ciphertext,
        secretKeyId: sealed.keyId,
        ...change,
      });
      await this.suspensions.scheduleVisibilityProbe(tx, id);
      await this.runs.call(tx, id);
      await this.suspensions.recordResumed(tx, admin.actor, current, change);
      await this.audit.record(tx, eventOf(tried, admin.actor, 'integration.secret_changed'));
    });
  }
}
