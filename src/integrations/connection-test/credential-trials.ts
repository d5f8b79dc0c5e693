import { Injectable } from '@nestjs/common';
import type { Integration } from '../integration.entity';
import { acceptSettings } from '../integrations.service';
import type { RemoteAccount } from '../provider/integration-provider';
import { ProviderRegistry } from '../provider/provider-registry';
import { ACCOUNT_MISMATCH, VISIBILITY_LOST } from '../suspension-reasons';
import { withAccountCheck } from './connection-tests.service';
import { CredentialRefused } from './credential-refused';
import { type ConnectionDiagnosis, diagnose, explanationOf } from './diagnosis';
import { KnownGroups } from './known-groups';
import { anotherAccount } from './same-account';
import { trialHost, trialHostWithToken } from './trial-host';

/** Tests settings and a secret before they are stored. */
@Injectable()
export class CredentialTrials {
  constructor(
    private readonly providers: ProviderRegistry,
    private readonly knownGroups: KnownGroups,
  ) {}

  /**
   * @returns the account, null when it is not known
   * @throws Problem 400 for settings or a secret that the provider does not accept
   * @throws CredentialRefused 409 for another account or a credential that does not see the known groups, 422 when
   *   it does not work, 503 when the test was inconclusive
   */
  async run(integration: Integration, input: object, secret: string): Promise<RemoteAccount | null> {
    const provider = this.providers.get(integration.provider);
    const settings = acceptSettings(() => this.providers.parseSettings(provider.type, input));
    acceptSettings(() => this.providers.checkSecret(provider.type, settings, secret));
    const diagnosis = await diagnose(provider.connect({ settings, secret }, trialHost()));
    const sameAccount = withAccountCheck(integration, diagnosis);
    const checked = sameAccount.ok
      ? sameAccount.with(
          await this.knownGroups.check(
            integration,
            provider.connect({ settings, secret }, trialHostWithToken()),
          ),
        )
      : sameAccount;
    const refusal = refusalOf(checked);
    if (refusal !== null) throw refusal;
    return checked.account;
  }
}

/** Another account comes first: every other failure then is a failure of that other account. */
function refusalOf(diagnosis: ConnectionDiagnosis): CredentialRefused | null {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const mismatch = diagnosis.checks.find(({ reason }) => reason === ACCOUNT_MISMATCH);
  if (mismatch) return anotherAccount(mismatch);
  if (failure.reason === VISIBILITY_LOST) {
    return new CredentialRefused(
      VISIBILITY_LOST,
      `${explanationOf(failure)} Nothing was stored.`,
      VISIBILITY_LOST,
    );
  }
  const reason = failure.reason ?? 'failed';
  const detail = `${explanationOf(failure)} Nothing was stored.`;
  return diagnosis.undecided
    ? new CredentialRefused('target_unavailable', `Scimify could not test the secret. ${detail}`, reason)
    : new CredentialRefused('secret_refused', detail, reason);
}
