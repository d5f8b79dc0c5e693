import { Injectable } from '@nestjs/common';
import type { Integration } from '../integration.entity';
import type { CallContext, DiagnosisCheck, ProviderConnection } from '../provider/integration-provider';
import { ProviderError } from '../provider/provider-error';
import { VISIBILITY_LOST } from '../suspension-reasons';

const ASKED_AT_MOST = 20;
const LONGEST_MS = 20_000;

/** @returns ids of groups that the integration holds in its target, no more than so many */
export type GroupSample = (integrationId: string, limit: number) => Promise<readonly string[]>;

/** Groups of a target that must stay in sight; whoever knows them, of whom this room knows nothing, tells them here. */
@Injectable()
export class KnownGroups {
  private sample: GroupSample = () => Promise.resolve([]);

  toldBy(sample: GroupSample): void {
    this.sample = sample;
  }

  /**
   * Whether a connection sees the groups of before, by some of them: to one that sees few of them the others would look
   * deleted.
   */
  async check(integration: Integration, connection: ProviderConnection): Promise<DiagnosisCheck> {
    const check = { id: 'known_groups', title: 'The teams of before are to be seen', remedy: null };
    // What is out of sight already cannot be lost; nothing is written until it is seen again.
    const ids =
      integration.suspensionReason === VISIBILITY_LOST
        ? []
        : await this.sample(integration.id, ASKED_AT_MOST);
    const signal = AbortSignal.timeout(LONGEST_MS);
    const call = { signal, priority: 'interactive' as const, assertMaySend: () => undefined };
    // One that is missing may be deleted: of fewer than two nothing is concluded.
    if (ids.length < 2) return { ...check, status: 'passed', message: 'There are too few to tell by.' };
    let seen = 0;
    let missing = 0;
    try {
      for (const id of ids) {
        if (seen >= ids.length / 2 || missing > ids.length / 2) break;
        if (await isSeen(connection, id, call)) seen += 1;
        else missing += 1;
      }
    } catch (error) {
      if (!(error instanceof ProviderError) && !signal.aborted) throw error;
      // A target that is merely slow would never let a secret be changed: what it told so far has to do.
      if (!signal.aborted || seen + missing < 2) {
        const message = 'It could not be told whether the teams of before are to be seen.';
        const remedy = 'Try again in some minutes.';
        return { ...check, status: 'failed', message, remedy, reason: 'timeout', transient: true };
      }
    }
    if (missing <= seen) {
      return { ...check, status: 'passed', message: `Of ${seen + missing} asked for, ${seen} were seen.` };
    }
    return {
      ...check,
      status: 'failed',
      message: `Of ${ids.length} teams that this integration holds, ${seen + missing} were asked for, and the credential does not see ${missing} of them.`,
      remedy:
        'Give one that sees them. If they were really deleted, reconcile with acceptMissingTeams first; if the credential of before is gone too, rebind the integration.',
      reason: VISIBILITY_LOST,
    };
  }
}

/** One that the credential may not read is as good as out of its sight, and stays so. */
async function isSeen(connection: ProviderConnection, id: string, call: CallContext): Promise<boolean> {
  try {
    return (await connection.getGroup(id, call)) !== null;
  } catch (error) {
    if (error instanceof ProviderError && error.isOfOneObject) return false;
    throw error;
  }
}
