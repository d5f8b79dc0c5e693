import { Injectable } from '@nestjs/common';
import { Problem } from '../../admin-api/problem';
import type { Admin } from '../../tenants/authentication/admin';
import type { Integration } from '../integration.entity';
import { acceptSettings, Integrations } from '../integrations.service';
import { SettingsError } from '../provider/provider-error';
import { ProviderRegistry } from '../provider/provider-registry';
import { ACCOUNT_MISMATCH } from '../suspension-reasons';
import { withAccountCheck } from './connection-tests.service';
import { type Diagnosis, diagnose, explanationOf } from './diagnosis';
import { trialHost } from './trial-host';

/** Puts another secret in place of the stored one, once it is known to work. */
@Injectable()
export class SecretChanges {
  constructor(
    private readonly integrations: Integrations,
    private readonly providers: ProviderRegistry,
  ) {}

  /** @throws Problem 400, 409 or 422 where the secret will not do, 503 where that could not be told; nothing is stored then */
  async replace(admin: Admin, id: string, secret: string): Promise<void> {
    const integration = await this.integrations.get(admin, id);
    const diagnosis = withAccountCheck(integration, await this.try(integration, secret));
    const refusal = refusalOf(diagnosis);
    if (refusal !== null) {
      await this.integrations.recordRefusedSecret(admin, integration, refusal.reason);
      throw refusal.problem;
    }
    await this.integrations.replaceSecret(admin, integration, { secret, account: diagnosis.account });
  }

  private try(integration: Integration, secret: string): Promise<Diagnosis> {
    const provider = this.providers.get(integration.provider);
    const settings = acceptSettings(() => provider.parseSettings(integration.settings));
    acceptSettings(() => {
      const problems = provider.checkSecret(settings, secret);
      if (problems.length > 0) throw new SettingsError(problems);
    });
    return diagnose(provider.connect({ settings, secret }, trialHost()));
  }
}

/** Another account comes first: whatever else is wrong then is wrong there. */
function refusalOf(diagnosis: Diagnosis): { reason: string; problem: Problem } | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const mismatch = diagnosis.checks.find(({ reason }) => reason === ACCOUNT_MISMATCH);
  if (mismatch) {
    return {
      reason: ACCOUNT_MISMATCH,
      problem: Problem.conflict(ACCOUNT_MISMATCH, `${explanationOf(mismatch)} Nothing was stored.`),
    };
  }
  const reason = failure.reason ?? 'failed';
  const detail = `${explanationOf(failure)} Nothing was stored.`;
  return diagnosis.undecided
    ? { reason, problem: new Problem(503, 'target_unavailable', `The secret could not be tried. ${detail}`) }
    : { reason, problem: new Problem(422, 'secret_refused', detail) };
}
