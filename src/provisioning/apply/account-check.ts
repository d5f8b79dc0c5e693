import { Injectable } from '@nestjs/common';
import { explanationOf } from '../../integrations/connection-test/diagnosis';
import { sameAccountCheck } from '../../integrations/connection-test/same-account';
import { Suspensions } from '../../integrations/suspensions.service';
import { PROBE_EVERY_MS } from '../plan/backoff';
import { Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { accountOf, checkedAccount } from './account';
import type { RunContext } from './run-context';

/**
 * Makes sure that an integration writes to one account only. All remote ids that we know are valid in that
 * account. In another one they do not exist or, worse, belong to other objects.
 */
@Injectable()
export class AccountCheck {
  constructor(
    private readonly suspensions: Suspensions,
    private readonly leases: Leases,
    private readonly ledger: WorkLedger,
  ) {}

  /**
   * Requests the account at the first run after any change of the integration, and at every probe.
   *
   * @returns null if another account than the recorded one answered; the integration is suspended then
   * @throws ProviderError
   */
  async identify(run: RunContext): Promise<string | null> {
    const { integration } = run;
    const checked = checkedAccount(integration);
    if (checked !== null) return checked;
    const found = await run.connection.account(run.call);
    const check = sameAccountCheck(integration, found);
    if (check?.status === 'failed') {
      await this.leases.run(run.lease, (tx) =>
        this.suspensions.accountMismatched(tx, integration, explanationOf(check)),
      );
      // Settled without a backoff: a change by an admin must count at once.
      await this.ledger.settle(run.lease, Date.now() + PROBE_EVERY_MS);
      return null;
    }
    const account = accountOf(run, found);
    await this.leases.run(run.lease, async (tx) => {
      await this.suspensions.accountConfirmed(tx, integration, account);
      if (integration.accountIdentity === null || integration.accountIdentity === account.identity) return;
      // The real account behind a stand-in identity is now known: the claims move to it.
      await tx.query('UPDATE remote_group SET accountIdentity = ? WHERE integrationId = ?', [
        account.identity,
        integration.id,
      ]);
    });
    return account.identity;
  }
}
