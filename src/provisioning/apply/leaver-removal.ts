import { Injectable } from '@nestjs/common';
import type { ProviderError } from '../../integrations/provider/provider-error';
import { type MemberPlanInput, type Person, leaversOf, leavingDeletedGroup } from '../plan/member-plan';
import { causesOf } from './causes';
import { MemberCalls } from './member-calls';
import { CHUNK, type PairMark, People, plannedGroup } from './people';
import { RemovalIntents } from './removal-intents';
import type { RunContext } from './run-context';
import type { GroupTurn } from './group-turns';
import type { GroupWithRemote } from './remote-groups';

/** Takes people who left the IdP out of a team, whatever else there is to do for it. */
@Injectable()
export class LeaverRemoval {
  constructor(
    private readonly people: People,
    private readonly intents: RemovalIntents,
    private readonly calls: MemberCalls,
  ) {}

  /**
   * Those who left the IdP leave the team, whatever it is that keeps everything else of the group from being done. But for
   * somebody who may be about to come back as another user. From the team of a deleted group everybody leaves whose removal has
   * begun.
   *
   * @throws ProviderError as `apply`
   */
  async removeAll(run: RunContext, view: GroupWithRemote): Promise<void> {
    const now = Date.now();
    for (let after = ''; ;) {
      const remoteUserIds = await this.people.remoteMembersNotWaiting(view.remote.id, after, now, CHUNK);
      if (remoteUserIds.length === 0) return;
      after = remoteUserIds.at(-1)!;
      await run.groupTurns.take(view.groupId, async (turn) => {
        const input = await this.people.planInput(plannedGroup(run, view), [], remoteUserIds);
        // Their changes stay marked, to be acknowledged once they are looked at in their turn.
        const { stopped } = await this.removeAmong(run, view, turn, input, async () => {
          const marks = await this.people.changedPairs(view.groupId, CHUNK);
          const userIds = marks.map(({ userId }) => userId);
          return {
            marks,
            people: (await this.people.planInput(plannedGroup(run, view), userIds, [])).people,
          };
        });
        if (stopped) throw stopped;
      });
    }
  }

  /**
   * As `letLeaversGo`, for these of them: at once, between two calls of whoever is at the team.
   *
   * @param leavers pairs that changed, and people whose removal is tried again
   * @param acknowledge gets those of the pairs of which everything is applied or parked, before anybody else has the team
   * @throws ProviderError that concerns the whole account, or the team
   */
  async removeNow(
    run: RunContext,
    view: GroupWithRemote,
    leavers: { marks: readonly PairMark[]; remoteUserIds: readonly string[] },
    acknowledge: (done: readonly PairMark[]) => Promise<void>,
  ): Promise<void> {
    const { marks, remoteUserIds } = leavers;
    await run.groupTurns.take(view.groupId, async (turn) => {
      const userIds = marks.map(({ userId }) => userId);
      const input = await this.people.planInput(plannedGroup(run, view), userIds, remoteUserIds);
      const { people } = input;
      // Whatever stopped it, each of them has a row with the next attempt.
      const { removed } = await this.removeAmong(run, view, turn, input, () =>
        Promise.resolve({ marks, people }),
      );
      const isGone = ({ link }: Person) => link.kind === 'resolved' && removed.has(link.remoteUserId);
      const gone = new Set(people.filter(isGone).map(({ userId }) => userId));
      await acknowledge(marks.filter(({ userId }) => gone.has(userId)));
    });
  }

  /** But for somebody who may be about to come back as another user. */
  private async leaversNotWantedAgain(view: GroupWithRemote, input: MemberPlanInput): Promise<string[]> {
    const leavers = leaversOf(input);
    const mayStay = await this.people.mayBeWanted(view.groupId, leavers);
    return leavers.filter((id) => !mayStay.has(id));
  }

  /** @returns who was taken out, or was to be, and the passing failure that ended it early */
  private async removeAmong(
    run: RunContext,
    view: GroupWithRemote,
    turn: GroupTurn,
    input: MemberPlanInput,
    origin: () => Promise<{ marks: readonly PairMark[]; people: MemberPlanInput['people'] }>,
  ): Promise<{ removed: ReadonlySet<string>; stopped: ProviderError | null }> {
    const leaving = view.group ? await this.leaversNotWantedAgain(view, input) : leavingDeletedGroup(input);
    if (leaving.length === 0) return { removed: new Set(), stopped: null };
    const { marks, people } = await origin();
    const causes = causesOf(view, people, leaving, marks, new Map()).ofRemoteUsers;
    const remove = await this.intents.record(run, view, { add: [], remove: leaving }, input.known, causes);
    // However the calls end: whoever is at the team must not go by what was planned for these before.
    for (const remoteUserId of remove) turn.seenTo.add(remoteUserId);
    const { stopped } = await this.calls.send(run, view, { add: [], remove }, input, null);
    return { removed: new Set(remove), stopped };
  }
}
