import { Injectable } from '@nestjs/common';
import { Hook } from '../../database/hook';
import type { Integration } from '../integration.entity';
import type { CallContext, DiagnosisCheck, ProviderConnection } from '../provider/integration-provider';
import { ProviderError } from '../provider/provider-error';
import { VISIBILITY_LOST } from '../suspension-reasons';

const SAMPLE_SIZE = 20;
const TIMEOUT_MS = 20_000;

/**
 * Tests that a credential sees the known remote groups. The engine answers with a sample of their ids, at most `limit`.
 */
@Injectable()
export class KnownGroups extends Hook<[integrationId: string, limit: number], readonly string[]> {
  /**
   * Whether a connection sees the known remote groups, judged by a sample. To a credential that sees few of them,
   * the others would look deleted.
   */
  async check(integration: Integration, connection: ProviderConnection): Promise<DiagnosisCheck> {
    const check = {
      id: 'known_groups',
      title: "The credential still sees this integration's teams",
      remedy: null,
    };
    // Groups that are already out of sight cannot get lost; nothing is written until they are visible again.
    const ids =
      integration.suspensionReason === VISIBILITY_LOST
        ? []
        : (await this.call(integration.id, SAMPLE_SIZE)).flat();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const call = { signal, priority: 'interactive' as const, assertMaySend: () => undefined };
    // A single missing group may be deleted, so fewer than two prove nothing.
    if (ids.length < 2) return { ...check, status: 'passed', message: 'Too few teams for this check.' };
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
      // With a slow target no secret change would ever succeed, so a partial result counts.
      if (!signal.aborted || seen + missing < 2) {
        const message =
          "Scimify could not find out whether the credential still sees this integration's teams.";
        const remedy = 'Try again in a few minutes.';
        return { ...check, status: 'failed', message, remedy, reason: 'timeout', transient: true };
      }
    }
    if (missing <= seen) {
      return { ...check, status: 'passed', message: `It sees ${seen} of ${seen + missing} checked teams.` };
    }
    return {
      ...check,
      status: 'failed',
      message: `Scimify checked ${seen + missing} of ${ids.length} teams of this integration, and the credential does not see ${missing} of them.`,
      remedy:
        'Give a credential that sees them. If they were really deleted, reconcile with acceptMissingTeams first; if the previous credential no longer works either, rebind the integration.',
      reason: VISIBILITY_LOST,
    };
  }
}

/** A group that the credential may not read counts as out of sight: that does not pass by itself. */
async function isSeen(connection: ProviderConnection, id: string, call: CallContext): Promise<boolean> {
  try {
    return (await connection.getGroup(id, call)) !== null;
  } catch (error) {
    if (error instanceof ProviderError && error.isOfOneObject) return false;
    throw error;
  }
}
