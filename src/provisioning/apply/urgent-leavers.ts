import { Injectable } from '@nestjs/common';
import { inList } from '../../database/dialect';
import { ProviderError } from '../../integrations/provider/provider-error';
import { Leases } from '../schedule/lease';
import { GroupViews } from './group-view';
import { Members } from './members';
import { type PairMark, People } from './people';
import type { RunContext } from './run-context';
import type { ViewWithTeam } from './teams';

/** Teams that leavers are taken out of at the same time. */
const TEAMS_AT_ONCE = 16;
const PAIRS_AT_ONCE = 200;

/**
 * People who left the IdP leave their teams before anything else is done, also a team that somebody is at with a long push:
 * until then they are paged.
 */
@Injectable()
export class UrgentLeavers {
  constructor(
    private readonly people: People,
    private readonly views: GroupViews,
    private readonly members: Members,
    private readonly leases: Leases,
  ) {}

  /**
   * Begins with teams that nobody takes leavers out of yet.
   *
   * @param inHand groups that are under way; what is begun is added, and taken out at its end
   * @returns what was begun, each of which may throw a ProviderError that concerns the whole account
   */
  async begin(run: RunContext, inHand: Set<string>): Promise<Promise<void>[]> {
    if (inHand.size >= TEAMS_AT_ONCE) return [];
    const pairs = await this.people.leaversPairs(run.integration.id, [...inHand], PAIRS_AT_ONCE);
    const byGroup = new Map<string, PairMark[]>();
    for (const pair of pairs) byGroup.set(pair.groupId, [...(byGroup.get(pair.groupId) ?? []), pair]);
    return [...byGroup].slice(0, TEAMS_AT_ONCE - inHand.size).map(([groupId, marks]) => {
      inHand.add(groupId);
      return this.letGo(run, groupId, marks).finally(() => inHand.delete(groupId));
    });
  }

  private async letGo(run: RunContext, groupId: string, marks: readonly PairMark[]): Promise<void> {
    const view = await this.views.read(run.integration.id, groupId, run.provider);
    const hasTeam = view.group && view.remote?.remoteId;
    const done = hasTeam ? await this.takeOut(run, view as ViewWithTeam, marks) : [];
    // Of the others the group's own turn makes sure that nothing is left.
    await this.leases.run(run.lease, async (tx) => {
      if (done.length > 0) {
        await tx.query(`DELETE FROM member_change WHERE ${among(done)}`, ofPairs(groupId, done));
      }
      await tx.query(
        `UPDATE member_change SET leaverOf = NULL WHERE ${among(marks)}`,
        ofPairs(groupId, marks),
      );
    });
  }

  /** @returns those of whom nothing is left to do now */
  private async takeOut(
    run: RunContext,
    view: ViewWithTeam,
    marks: readonly PairMark[],
  ): Promise<readonly PairMark[]> {
    try {
      return await this.members.letGoAtOnce(run, view, marks);
    } catch (error) {
      // What is wrong with the team the group's own turn meets again: it tells, and tries again.
      if (!(error instanceof ProviderError) || error.accountWide) throw error;
      return [];
    }
  }
}

/** A pair that changed again meanwhile has a newer mark. */
function among(marks: readonly PairMark[]): string {
  return `groupId = ? AND userId IN (${inList(marks)}) AND mark IN (${inList(marks)})`;
}

function ofPairs(groupId: string, marks: readonly PairMark[]): string[] {
  return [groupId, ...marks.map(({ userId }) => userId), ...marks.map(({ mark }) => mark)];
}
