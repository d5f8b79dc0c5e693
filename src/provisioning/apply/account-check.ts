import { Injectable } from '@nestjs/common';
import { explanationOf } from '../../integrations/connection-test/diagnosis';
import { sameAccountCheck } from '../../integrations/connection-test/same-account';
import type { Integration } from '../../integrations/integration.entity';
import { Integrations } from '../../integrations/integrations.service';
import { ACCOUNT_MISMATCH, VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { PROBE_EVERY_MS } from '../plan/backoff';
import { Leases } from '../schedule/lease';
import { WorkLedger } from '../schedule/work-ledger';
import { accountOf, checkedAccount } from './account';
import type { RunContext } from './run-context';

/**
 * Sees to it that an integration writes to one account only. What is known of the target is known by that account's ids: in
 * another one they are nobody's, or worse, somebody else's.
 */
@Injectable()
export class AccountCheck {
  constructor(
    private readonly integrations: Integrations,
    private readonly leases: Leases,
    private readonly ledger: WorkLedger,
  ) {}

  /**
   * The account is asked for at the first run after any change of the integration, and at every probe.
   *
   * @returns null when another account answered than the recorded one; the integration is suspended then
   * @throws ProviderError
   */
  async identify(run: RunContext): Promise<string | null> {
    const { integration } = run;
    const checked = checkedAccount(integration);
    if (checked !== null) return checked;
    const found = await run.connection.account(run.call);
    const check = sameAccountCheck(integration, found);
    if (check?.status === 'failed') {
      await this.suspend(run, explanationOf(check));
      return null;
    }
    const account = accountOf(run, found);
    await this.leases.run(run.lease, async (tx) => {
      if (endsByProbe(integration)) await this.integrations.identified(tx, integration.id, account);
      else await this.integrations.connected(tx, integration.id, account);
      await this.integrations.accountChecked(tx, integration);
      if (integration.accountIdentity === null || integration.accountIdentity === account.identity) return;
      // The account behind a stand-in has shown itself: the claims are claims in it.
      await tx.query('UPDATE remote_group SET accountIdentity = ? WHERE integrationId = ?', [
        account.identity,
        integration.id,
      ]);
    });
    return account.identity;
  }

  /** No probe ends it: that the recorded account answers again has to be an admin's doing. */
  private async suspend(run: RunContext, message: string): Promise<void> {
    const { integration } = run;
    await this.leases.run(run.lease, async (tx) => {
      if (integration.suspensionReason === VISIBILITY_LOST) {
        // In its place a suspension would end without a look whether the teams are seen again.
        await this.integrations.connectionFailed(tx, integration.id, { reason: ACCOUNT_MISMATCH, message });
        await this.integrations.keepUnreachable(tx, integration.id);
        return;
      }
      await this.integrations.suspend(tx, integration.id, {
        reason: ACCOUNT_MISMATCH,
        message,
        nextProbeAt: null,
      });
      await this.integrations.accountChecked(tx, integration);
    });
    // Not left alone for a time: what an admin changes counts at once.
    await this.ledger.settle(run.lease, Date.now() + PROBE_EVERY_MS);
  }
}

/** That the account can be read proves little of a suspension for something else: that ends once it works again. */
function endsByProbe({ suspensionReason }: Integration): boolean {
  return suspensionReason !== null && suspensionReason !== ACCOUNT_MISMATCH;
}
