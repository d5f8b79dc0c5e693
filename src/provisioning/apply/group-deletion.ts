import { Injectable } from '@nestjs/common';
import { deleteInThousands } from '../../database/bounded-delete';
import type { Transaction } from '../../database/transaction-runner';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay } from '../plan/backoff';
import { type ReleaseAction, isPostponed, mayBeDeletedByUs, planRelease } from '../plan/group-plan';
import { HELD, REJECTED } from '../plan/mass-change-guard';
import { reachOf } from '../plan/reach';
import { Leases } from '../schedule/lease';
import { nextLookAt } from '../state/leavers';
import { RemoteGroup } from '../state/remote-group.entity';
import { makeGroupsDue } from '../state/waiting-groups';
import { dropItemsOf } from '../guard/held-items';
import { RemovalScreen } from '../guard/removal-screen';
import { offerFreedNames } from './freed-names';
import { GroupBlockedError, GroupHeldError, GroupTakenOverError } from './group-blocked';
import type { LoadedGroup } from './loaded-group';
import { successorOf } from './known-target';
import { LeaverRemoval } from './leaver-removal';
import { Members } from './members';
import { unlessNotVisibleYet } from './not-visible-yet';
import { ProvisioningAudit } from './provisioning-audit';
import { screenedGroup } from './removal-intents';
import { type RunContext, atPriority } from './run-context';
import { RemoteGroups, type GroupWithRemote } from './remote-groups';
import { raiseWriteSeq } from './write-seq';

/** The backoff of this attempt is at most eight seconds. */
const BACKOFF_ATTEMPT = 4;

/**
 * Deletes or releases the remote group of a deleted group. The IdP or an admin deleted the group, or an admin
 * deleted its integration. As long as this is not possible, leavers are still removed from the remote group.
 */
@Injectable()
export class GroupDeletion {
  constructor(
    private readonly remoteGroups: RemoteGroups,
    private readonly members: Members,
    private readonly leavers: LeaverRemoval,
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * While a failed deletion waits for its retry, only leavers are removed.
   *
   * @returns the passing failure of a removal, which has its own row with the next attempt
   * @throws GroupBlockedError, GroupHeldError, GroupTakenOverError, ProviderError if the remote group cannot be
   *   released
   */
  async release(run: RunContext, view: LoadedGroup): Promise<ProviderError | null> {
    if (hasRemoteGroup(view) && isPostponed(view.remote, Date.now()) && !isNoLongerHeld(run, view)) {
      const failure = await this.removeLeavers(run, view);
      await this.scheduleNextLook(run, view, failure);
      return failure;
    }
    try {
      await run.groupTurns.take(view.groupId, () => this.releaseRemoteGroup(run, view));
      return null;
    } catch (failure) {
      if (hasRemoteGroup(view) && keepsRemoteGroup(failure)) await this.removeLeavers(run, view);
      throw failure;
    }
  }

  /** @throws ProviderError that concerns the whole account, or the remote group */
  private async removeLeavers(run: RunContext, view: GroupWithRemote): Promise<ProviderError | null> {
    try {
      await this.leavers.removeAll(atPriority(run, 'leaver'), withoutDeletionCause(view));
      // All members of the remote group were checked. A user that has left since has renewed the mark of the
      // group.
      await deleteInThousands(
        (work) => this.leases.run(run.lease, work),
        'member_change',
        'groupId = ? AND leaverOf IS NULL',
        [view.groupId],
      );
      return null;
    } catch (error) {
      if (error instanceof ProviderError && reachOf(error) === 'call') return error;
      throw error;
    }
  }

  /** The next look is at the retry of a removal or of the deletion, whichever is first. */
  private async scheduleNextLook(
    run: RunContext,
    { remote, change }: GroupWithRemote,
    failure: ProviderError | null,
  ): Promise<void> {
    // Removals that were not tried because of a passing failure are due. They must not meet the same failure at
    // once.
    const pause = failure ? passingFailureDelay(BACKOFF_ATTEMPT, failure.retryAfterMs, Math.random()) : 0;
    const earliest = Date.now() + pause;
    await this.leases.run(run.lease, async (tx) => {
      const nextAttemptAt = Math.max(earliest, await nextLookAt(tx, remote, Number(remote.notBefore)));
      // No row matches if the deletion was requested again meanwhile.
      await tx.query(
        `UPDATE remote_group SET nextAttemptAt = ?, blockedMark = CASE WHEN blockedMark IS NULL THEN NULL ELSE ? END
         WHERE id = ? AND groupId = ? AND notBefore = ?`,
        [nextAttemptAt, change?.mark ?? NO_MARK, remote.id, remote.groupId, remote.notBefore],
      );
    });
  }

  private async releaseRemoteGroup(run: RunContext, view: LoadedGroup): Promise<void> {
    const remote = view.remote && (await this.beginRelease(run, view.groupId, view.remote.id));
    await this.assertNotTakenOver(run, remote);
    const action = planRelease(remote, releaseModeOf(run, view));
    switch (action.kind) {
      case 'resume-create': {
        const settled = await this.remoteGroups.settleCreation(
          run,
          { ...view, remote: remote! },
          action.intent,
        );
        if (settled) return this.releaseRemoteGroup(run, settled);
        break;
      }
      case 'delete':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await unlessGone(run, remote!, () => this.deleteRemoteGroup(run, view as GroupWithRemote));
        break;
      case 'release':
        await this.assertNotHeld(run, { ...view, remote: remote! });
        await unlessGone(run, remote!, () => this.releaseMembers(run, view as GroupWithRemote));
        break;
      default:
        break;
    }
    await this.leases.run(run.lease, async (tx) => {
      if (remote) await removeRemoteRows(tx, remote.id);
      await deleteInThousands((work) => work(tx), 'member_change', 'groupId = ?', [view.groupId]);
      await tx.query('DELETE FROM group_change WHERE groupId = ?', [view.groupId]);
      await dropItemsOf(tx, run.integration.id, view.groupId);
      await tx.query('DELETE FROM drift WHERE integrationId = ? AND groupId = ?', [
        run.integration.id,
        view.groupId,
      ]);
      await offerFreedNames(tx, run, remote?.remoteName ?? null);
      if (!remote?.remoteId) return;
      await this.audit.record(tx, run, [
        {
          action: auditActionOf(action),
          target: { type: 'group', id: view.groupId },
          cause: view.change?.wholeCause,
          detail: { remoteId: remote.remoteId, name: remote.remoteName },
        },
      ]);
    });
  }

  /** @returns null when another group has taken over the claim: then there is nothing to release */
  private beginRelease(run: RunContext, groupId: string, remoteGroupId: string): Promise<RemoteGroup | null> {
    return this.leases.run(run.lease, async (tx) => {
      const remote = await tx.manager.findOneBy(RemoteGroup, { id: remoteGroupId, groupId });
      if (!remote) return null;
      const deletingSince = remote.deletingSince ?? Date.now();
      await tx.manager.update(RemoteGroup, { id: remote.id }, { deletingSince });
      return { ...remote, deletingSince };
    });
  }

  /** @throws GroupTakenOverError */
  private async assertNotTakenOver(run: RunContext, remote: RemoteGroup | null): Promise<void> {
    if (!remote || run.integration.deletingSince !== null) return;
    const isTakenOver = await this.leases.run(run.lease, async (tx) => {
      const successor = await successorOf(tx, run.provider, remote);
      // Whatever the successor waits for, it needs this remote group.
      if (successor !== null)
        await makeGroupsDue(tx, 'integrationId = ? AND groupId = ?', [run.integration.id, successor]);
      return successor !== null;
    });
    if (isTakenOver) throw new GroupTakenOverError();
  }

  /** @throws GroupHeldError; GroupBlockedError once an admin has rejected it */
  private async assertNotHeld(run: RunContext, view: LoadedGroup & { remote: RemoteGroup }): Promise<void> {
    if (isOrderedByAdmin(run, view)) return;
    const screened = screenedGroup(run, view);
    const waitsFor = await this.leases.run(run.lease, (tx) => this.screen.deletion(tx, screened));
    if (waitsFor?.reason === REJECTED.reason) throw new GroupBlockedError(waitsFor.reason, waitsFor.message);
    if (waitsFor) throw new GroupHeldError();
  }

  /** @throws GroupHeldError, GroupBlockedError, ProviderError */
  private async releaseMembers(run: RunContext, view: GroupWithRemote): Promise<void> {
    const { isLeaverHeld } = await this.members.releaseAll(run, withoutDeletionCause(view));
    if (isLeaverHeld && !isOrderedByAdmin(run, view)) throw new GroupHeldError();
  }

  /**
   * Checks the claim again right before the call: another group may have taken over the remote group.
   *
   * @throws GroupTakenOverError, ProviderError
   */
  private async deleteRemoteGroup(run: RunContext, view: GroupWithRemote): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      const [row] = await tx.query<{ groupId: string }>('SELECT groupId FROM remote_group WHERE id = ?', [
        view.remote.id,
      ]);
      if (row?.groupId !== view.groupId) throw new GroupTakenOverError();
      await raiseWriteSeq(tx, view.remote.id);
    });
    await run.connection.deleteGroup(view.remote.remoteId, run.call);
  }
}

export function hasRemoteGroup(view: LoadedGroup): view is GroupWithRemote {
  return view.remote !== null && view.remote.remoteId !== null;
}

/**
 * A held or rejected deletion is no longer held once an admin deletes the group or its integration, even if that
 * was recorded late.
 */
function isNoLongerHeld(run: RunContext, view: GroupWithRemote): boolean {
  const { reason } = view.remote;
  return isOrderedByAdmin(run, view) && (reason === HELD.reason || reason === REJECTED.reason);
}

/**
 * Whether members can still be removed from a remote group that could not be released: it exists, and no other
 * group has it.
 */
function keepsRemoteGroup(failure: unknown): boolean {
  if (failure instanceof GroupBlockedError || failure instanceof GroupHeldError) return true;
  const reach = reachOf(failure);
  return reach === 'object' || reach === 'call';
}

/** While the remote group exists, the request that deleted the group is not the cause of any removal. */
export function withoutDeletionCause(view: GroupWithRemote): GroupWithRemote {
  return { ...view, change: view.change && { ...view.change, wholeCause: null } };
}

/** No change has this mark, so that the next change unblocks the group. */
export const NO_MARK = '';

/**
 * Runs the last call on a remote group. If the target no longer has the group, the work is done too. But the group
 * may only be out of sight: then the error is thrown, unless the integration itself is being deleted.
 */
async function unlessGone(run: RunContext, remote: RemoteGroup, release: () => Promise<void>): Promise<void> {
  try {
    await release();
  } catch (error) {
    const isMissing = error instanceof ProviderError && error.reason === GROUP_GONE;
    if (isMissing && mayBeDeletedByUs(remote)) return;
    const cause = unlessNotVisibleYet(remote, error);
    const isGone = isMissing && cause === error;
    if (!isGone || run.integration.deletingSince === null) throw cause;
  }
}

/** An admin's decision for this group comes first, then the one for the deleted integration, then the policy. */
export function releaseModeOf(
  { integration }: Pick<RunContext, 'integration'>,
  { change }: LoadedGroup,
): 'delete' | 'release' | 'leave' {
  return change?.letGo ?? integration.deletingTeams ?? integration.policies.onGroupDelete;
}

/** A deletion by an admin is intended. The guard counts only deletions by the IdP. */
export function isOrderedByAdmin(
  { integration }: Pick<RunContext, 'integration'>,
  { change }: LoadedGroup,
): boolean {
  return Boolean(change?.letGo) || integration.deletingSince !== null;
}

/** A forgotten remote group keeps its members, so it is audited as left. */
function auditActionOf({ kind }: ReleaseAction): string {
  if (kind === 'delete') return 'team.deleted';
  return kind === 'release' ? 'team.released' : 'team.left';
}

async function removeRemoteRows(tx: Transaction, remoteGroupId: string): Promise<void> {
  for (const table of ['remote_member', 'parked_member', 'unclear_write']) {
    await deleteInThousands((work) => work(tx), table, 'remoteGroupId = ?', [remoteGroupId]);
  }
  await tx.query('DELETE FROM remote_group WHERE id = ?', [remoteGroupId]);
}
