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

/** Removes leavers (users who left the IdP) from remote groups, independent of other work for the group. */
@Injectable()
export class LeaverRemoval {
  constructor(
    private readonly people: People,
    private readonly intents: RemovalIntents,
    private readonly calls: MemberCalls,
  ) {}

  /**
   * Removes all leavers, even if everything else of the group fails. A leaver that may be about to return as
   * another user stays. From the remote group of a deleted group, all members leave whose removal has begun.
   *
   * @throws ProviderError as `apply`
   */
  async removeAll(run: RunContext, view: GroupWithRemote): Promise<void> {
    const now = Date.now();
    let after: string | null = '';
    while (after !== null) {
      const from: string = after;
      after = await run.groupTurns.take(view.groupId, async (turn) => {
        // Read with the turn: another worker may have tried one of them a moment ago.
        const remoteUserIds = await this.people.remoteMembersNotWaiting(view.remote.id, from, now, CHUNK);
        if (remoteUserIds.length === 0) return null;
        const input = await this.people.planInput(plannedGroup(run, view), [], remoteUserIds);
        // Their changes stay marked. The group's own turn acknowledges them.
        const { stopped } = await this.removeAmong(run, view, turn, input, async () => {
          const marks = await this.people.changedPairs(view.groupId, CHUNK);
          const userIds = marks.map(({ userId }) => userId);
          return {
            marks,
            people: (await this.people.planInput(plannedGroup(run, view), userIds, [])).people,
          };
        });
        if (stopped) throw stopped;
        return remoteUserIds.at(-1)!;
      });
    }
  }

  /**
   * As `removeAll`, for the given leavers only: at once, between two calls of the group's own turn.
   *
   * @param leavers changed pairs, and remote users whose removal is retried
   * @param acknowledge gets the pairs that are applied or parked, before another worker has the group's turn
   * @throws ProviderError that concerns the whole account, or the remote group
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
      // Even after a failure, each leaver has a row with its next attempt.
      const { removed } = await this.removeAmong(run, view, turn, input, () =>
        Promise.resolve({ marks, people }),
      );
      const wasRemoved = ({ link }: Person) => link.kind === 'resolved' && removed.has(link.remoteUserId);
      const removedUserIds = new Set(people.filter(wasRemoved).map(({ userId }) => userId));
      await acknowledge(marks.filter(({ userId }) => removedUserIds.has(userId)));
    });
  }

  /** Leavers, without those that may be about to return as another user. */
  private async leaversNotWantedAgain(view: GroupWithRemote, input: MemberPlanInput): Promise<string[]> {
    const leavers = leaversOf(input);
    const mayStay = await this.people.mayBeWanted(view.groupId, leavers);
    return leavers.filter((id) => !mayStay.has(id));
  }

  /** @returns the leavers that were removed, or have an intent, and the passing failure that stopped the calls */
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
    // Whatever the calls return, the worker with the turn must not use its older plan for these remote users.
    for (const remoteUserId of remove) turn.doneByOthers.add(remoteUserId);
    const { stopped } = await this.calls.send(run, view, { add: [], remove }, input, null);
    return { removed: new Set(remove), stopped };
  }
}
