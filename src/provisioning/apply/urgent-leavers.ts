import { Injectable } from '@nestjs/common';
import { ProviderError } from '../../integrations/provider/provider-error';
import { Leases } from '../schedule/lease';
import { isPostponed } from '../plan/group-plan';
import { nextLookAt } from '../state/leavers';
import { DueGroups } from './due-groups';
import { withoutDeletionCause, hasRemoteGroup, releaseModeOf } from './group-deletion';
import { type LoadedGroup, GroupLoader } from './loaded-group';
import { LeaverRemoval } from './leaver-removal';
import { type PairMark, People, ofPairs, ofTheseMarks } from './people';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';

/** Teams that leavers are taken out of at the same time. */
const TEAMS_AT_ONCE = 16;
const PEOPLE_AT_ONCE = 200;
/** Whoever is due and could not be tried, such as one who may be about to come back, is looked for no more often than that. */
const NOT_TRIED_AGAIN_AFTER_MS = 10_000;

/**
 * People who left the IdP leave their teams before anything else is done, also a team that somebody is at with a long push:
 * until then they are paged.
 */
@Injectable()
export class UrgentLeavers {
  constructor(
    private readonly people: People,
    private readonly due: DueGroups,
    private readonly views: GroupLoader,
    private readonly removal: LeaverRemoval,
    private readonly leases: Leases,
  ) {}

  /**
   * Begins with teams that nobody takes leavers out of yet.
   *
   * @param leaving groups that are under way; what is begun is added, and taken out at its end
   * @param inProgress groups whose own turn may last
   * @param triesAgain whether those are looked for who could not be taken out before: of groups in hand, beside their turn, and
   *   of groups that are put off
   * @returns what was begun, each of which may throw a ProviderError that concerns the whole account
   */
  async begin(
    run: RunContext,
    leaving: Set<string>,
    inProgress: readonly string[],
    triesAgain: boolean,
  ): Promise<Promise<void>[]> {
    if (leaving.size >= TEAMS_AT_ONCE) return [];
    const leavers = new Map<string, Leavers>();
    const among = (groupId: string): Leavers => {
      const known = leavers.get(groupId) ?? { marks: [], remoteUserIds: [] };
      leavers.set(groupId, known);
      return known;
    };
    const { id } = run.integration;
    const now = Date.now();
    for (const pair of await this.people.leaverPairs(id, [...leaving], PEOPLE_AT_ONCE)) {
      among(pair.groupId).marks.push(pair);
    }
    const putOff = triesAgain ? await this.due.postponed(id, now, TEAMS_AT_ONCE) : [];
    const held = triesAgain ? inProgress : [];
    const others = [...new Set([...held, ...putOff])].filter((groupId) => !leaving.has(groupId));
    for (const groupId of putOff) if (!leaving.has(groupId)) among(groupId);
    for (const due of await this.people.leaversToRetry(id, others, now, PEOPLE_AT_ONCE)) {
      among(due.groupId).remoteUserIds.push(due.remoteUserId);
    }
    return [...leavers].slice(0, TEAMS_AT_ONCE - leaving.size).map(([groupId, those]) => {
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
    const view = await this.views.read(run.integration.id, groupId, run.provider);
    const { marks } = leavers;
    const isLookedAt =
      mayRemoveFrom(run, view) &&
      (await this.tryToRemove(run, view.group ? view : withoutDeletionCause(view), leavers));
    if (marks.length === 0) return;
    if (isLookedAt && !view.group) {
      // Its own turn looks at who is in the team, and not at pairs.
      await this.acknowledge(run, groupId, marks);
      return;
    }
    // Of whoever is left the group's own turn makes sure that nothing is.
    await this.leases.run(run.lease, (tx) =>
      tx.query(
        `UPDATE member_change SET leaverOf = NULL WHERE ${ofTheseMarks(marks)}`,
        ofPairs(groupId, marks),
      ),
    );
  }

  /** A group that is put off is looked at again for whoever could not be taken out. */
  private async scheduleNextLook({ lease, integration }: RunContext, groupId: string): Promise<void> {
    const now = Date.now();
    const putOff = await this.views.putOffUntil(integration.id, groupId, now);
    if (putOff === null) return;
    await this.leases.run(lease, async (tx) => {
      const next = await nextLookAt(tx, { integrationId: integration.id, id: putOff.id }, putOff.until);
      await tx.query('UPDATE remote_group SET nextAttemptAt = ? WHERE id = ? AND notBefore = ?', [
        next > now ? next : now + NOT_TRIED_AGAIN_AFTER_MS,
        putOff.id,
        putOff.until,
      ]);
    });
  }

  /** @returns whether each of them was taken out, or has a row of their own that says why not */
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
      // What is wrong with the team the group's own turn meets again: it tells, and tries again.
      if (!(error instanceof ProviderError) || error.accountWide) throw error;
      return false;
    }
  }

  private async acknowledge(run: RunContext, groupId: string, done: readonly PairMark[]): Promise<void> {
    if (done.length === 0) return;
    await this.leases.run(run.lease, (tx) =>
      tx.query(`DELETE FROM member_change WHERE ${ofTheseMarks(done)}`, ofPairs(groupId, done)),
    );
  }
}

/** Of one group. */
interface Leavers {
  /** Who has just left. */
  marks: PairMark[];
  /** Who could not be taken out before, by the target's own ids. */
  remoteUserIds: string[];
}

/** The team of a deleted group is about to be let go with everybody in it, unless that was tried in vain. */
function mayRemoveFrom(run: RunContext, view: LoadedGroup): view is GroupWithRemote {
  if (!hasRemoteGroup(view)) return false;
  return (
    view.group !== null || (isPostponed(view.remote, Date.now()) && releaseModeOf(run, view) !== 'leave')
  );
}
