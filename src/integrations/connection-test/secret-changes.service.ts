import { Injectable } from '@nestjs/common';
import { type ExpectedVersions, assertExpected } from '../../admin-api/if-match';
import type { Admin } from '../../tenants/authentication/admin';
import type { Integration } from '../integration.entity';
import { Integrations } from '../integrations.service';
import { CredentialRefused } from './credential-refused';
import { CredentialTrials } from './credential-trials';

/** Replaces the stored secret with another one that works. */
@Injectable()
export class SecretChanges {
  constructor(
    private readonly integrations: Integrations,
    private readonly trials: CredentialTrials,
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
      await this.integrations.replaceSecret(admin, integration, { secret, account });
    } catch (error) {
      if (error instanceof CredentialRefused) {
        await this.integrations.recordRefused(admin, integration, 'integration.secret_changed', error.reason);
      }
      throw error;
    }
  }
}
