import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { logAfterCommit } from '../../integrations/integration-log';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import { LEAVER_STILL_ON_TEAM, isLeaverStillOnTeam } from '../state/leavers';

/** Logs each leaver that the target refuses to remove: once, and not at every retry. */
export async function logKeptLeavers(
  tx: Transaction,
  remoteGroup: { integrationId: string; groupId: string; remoteGroupId: string },
  outcomes: readonly MemberOutcome[],
): Promise<void> {
  const refused = outcomes.filter((outcome) => outcome.change === 'remove' && !outcome.applied);
  if (refused.length === 0) return;
  const kept = await tx.query<{ remoteUserId: string; reason: string }>(
    `SELECT t.remoteUserId AS remoteUserId, t.reason AS reason FROM remote_member t
     WHERE t.remoteGroupId = ? AND t.remoteUserId IN (${inList(refused)}) AND t.keptLeaverAt IS NULL
       AND ${isLeaverStillOnTeam('t', '?')}`,
    [
      remoteGroup.remoteGroupId,
      ...refused.map(({ remoteUserId }) => remoteUserId),
      remoteGroup.integrationId,
      remoteGroup.integrationId,
    ],
  );
  if (kept.length === 0) return;
  await tx.query(
    `UPDATE remote_member SET keptLeaverAt = ? WHERE remoteGroupId = ? AND remoteUserId IN (${inList(kept)})`,
    [Date.now(), remoteGroup.remoteGroupId, ...kept.map(({ remoteUserId }) => remoteUserId)],
  );
  const { reason } = kept[0]!;
  await logAfterCommit(tx, remoteGroup.integrationId, {
    level: 'warn',
    event: LEAVER_STILL_ON_TEAM,
    text: `has a team that still contains a user who left the IdP: ${reason}`,
    detail: { groupId: remoteGroup.groupId, people: kept.length, reason },
  });
}
