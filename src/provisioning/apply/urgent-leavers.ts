import { Injectable } from '@nestjs/common';
import { ProviderError } from '../../integrations/provider/provider-error';
import { Leases } from '../schedule/lease';
import { isPostponed } from '../plan/group-plan';
import { nextLookAt } from '../state/leavers';
import { DueGroups } from './due-groups';
import { withoutDeletionCause, hasRemoteGroup, releaseModeOf } from './group-deletion';
import { type LoadedGroup, GroupLoader } from './loaded-group';
import { LeaverRemoval } from './leaver-removal';
import { type PairMark, People, marksParams, marksCondition } from './people';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';

/** Remote groups that leavers are removed from at the same time. */
const GROUPS_AT_ONCE = 16;
const USERS_AT_ONCE = 200;
/**
 * A due leaver that could not be tried, for example one that may be about to return, is checked no more often than
 * this.
 */
const CHECK_AGAIN_AFTER_MS = 10_000;

/**
 * Removes leavers before all other work, also from groups that are in the middle of a long push. Until then
 * leavers are still paged.
 */
@Injectable()
export class UrgentLeavers {
  constructor(
    private readonly people: People,
    private readonly due: DueGroups,
    private readonly loader: GroupLoader,
    private readonly removal: LeaverRemoval,
    private readonly leases: Leases,
  ) {}

  /**
   * Begins with remote groups that no leavers are being removed from yet.
   *
   * @param leaving groups in progress; groups that are begun are added, and deleted at their end
   * @param inProgress groups whose own turn may last
   * @param triesAgain whether failed removals are retried too: in groups in progress, beside their turn, and in
   *   postponed groups
   * @returns the started work, each of which may throw a ProviderError that concerns the whole account
   */
  async begin(
    run: RunContext,
    leaving: Set<string>,
    inProgress: readonly string[],
    triesAgain: boolean,
  ): Promise<Promise<void>[]> {
    if (leaving.size >= GROUPS_AT_ONCE) return [];
    const leavers = new Map<string, Leavers>();
    const leaversOf = (groupId: string): Leavers => {
      const known = leavers.get(groupId) ?? { marks: [], remoteUserIds: [] };
      leavers.set(groupId, known);
      return known;
    };
    const { id } = run.integration;
    const now = Date.now();
    for (const pair of await this.people.leaverPairs(id, [...leaving], USERS_AT_ONCE)) {
      leaversOf(pair.groupId).marks.push(pair);
    }
    const postponed = triesAgain ? await this.due.postponed(id, now, GROUPS_AT_ONCE) : [];
    const retriedInProgress = triesAgain ? inProgress : [];
    const retried = [...new Set([...retriedInProgress, ...postponed])].filter(
      (groupId) => !leaving.has(groupId),
    );
    for (const groupId of postponed) if (!leaving.has(groupId)) leaversOf(groupId);
    for (const due of await this.people.leaversToRetry(id, retried, now, USERS_AT_ONCE)) {
      leaversOf(due.groupId).remoteUserIds.push(due.remoteUserId);
    }
    return [...leavers].slice(0, GROUPS_AT_ONCE - leaving.size).map(([groupId, those]) => {
      leaving.add(groupId);
      return this.removeFrom(run, groupId, those).finally(() => leaving.delete(groupId));
    });
  }

  private async removeFrom(run: RunContext, groupId: string, leavers: Leavers): Promise<void> {
    try {
      await this.removeLeavers(run, groupId, leavers);
    } finally {
      await this.scheduleNextLook(run, groupId);
    }
  }

  private async removeLeavers(run: RunContext, groupId: string, leavers: Leavers): Promise<void> {
    const view = await this.loader.read(run.integration.id, groupId, run.provider);
    const { marks } = leavers;
    const isLookedAt =
      mayRemoveFrom(run, view) &&
      (await this.tryToRemove(run, view.group ? view : withoutDeletionCause(view), leavers));
    if (marks.length === 0) return;
    if (isLookedAt && !view.group) {
      // The turn of a deleted group checks the members of the remote group, and not the pairs.
      await this.acknowledge(run, groupId, marks);
      return;
    }
    // The group's own turn handles the remaining leavers.
    await this.leases.run(run.lease, (tx) =>
      tx.query(
        `UPDATE member_change SET leaverOf = NULL WHERE ${marksCondition(marks)}`,
        marksParams(groupId, marks),
      ),
    );
  }

  /** Schedules the next look at a postponed group, for leavers that could not be removed. */
  private async scheduleNextLook({ lease, integration }: RunContext, groupId: string): Promise<void> {
    const now = Date.now();
    const postponed = await this.loader.postponedUntil(integration.id, groupId, now);
    if (postponed === null) return;
    await this.leases.run(lease, async (tx) => {
      const next = await nextLookAt(tx, { integrationId: integration.id, id: postponed.id }, postponed.until);
      await tx.query('UPDATE remote_group SET nextAttemptAt = ? WHERE id = ? AND notBefore = ?', [
        next > now ? next : now + CHECK_AGAIN_AFTER_MS,
        postponed.id,
        postponed.until,
      ]);
    });
  }

  /** @returns whether each leaver was removed, or has its own row with the reason */
  private async tryToRemove(
    run: RunContext,
    view: GroupWithRemote,
    { marks, remoteUserIds }: Leavers,
  ): Promise<boolean> {
    try {
      await this.removal.removeNow(run, view, { marks, remoteUserIds }, (done) =>
        this.acknowledge(run, view.groupId, done),
      );
      return true;
    } catch (error) {
      // The group's own turn meets the same failure of the remote group, records it and retries.
      if (!(error instanceof ProviderError) || error.accountWide) throw error;
      return false;
    }
  }

  private async acknowledge(run: RunContext, groupId: string, done: readonly PairMark[]): Promise<void> {
    if (done.length === 0) return;
    await this.leases.run(run.lease, (tx) =>
      tx.query(`DELETE FROM member_change WHERE ${marksCondition(done)}`, marksParams(groupId, done)),
    );
  }
}

/** The leavers of one group. */
interface Leavers {
  /** Changed pairs of users that have just left. */
  marks: PairMark[];
  /** Remote users whose removal failed before. */
  remoteUserIds: string[];
}

/**
 * The remote group of a deleted group is about to be released with all its members, unless that has already
 * failed.
 */
function mayRemoveFrom(run: RunContext, view: LoadedGroup): view is GroupWithRemote {
  if (!hasRemoteGroup(view)) return false;
  return (
    view.group !== null || (isPostponed(view.remote, Date.now()) && releaseModeOf(run, view) !== 'leave')
  );
}
