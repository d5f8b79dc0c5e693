import { Injectable } from '@nestjs/common';
import { ProviderError } from '../../integrations/provider/provider-error';
import { Leases } from '../schedule/lease';
import { GroupApplier } from './group-applier';
import { GroupLoader } from './loaded-group';
import { Members } from './members';
import { type PairMark, People, ofPairs, ofTheseMarks } from './people';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';
import { UserResolution, askedForBy } from './user-resolution';

/** Teams that such people are added to at the same time. */
const TEAMS_AT_ONCE = 16;
const PEOPLE_AT_ONCE = 200;
/** Whoever leaves the team, or has its own turn, is let in between so many calls. */
const CALLS_IN_A_ROW = 4;

/**
 * Few people who join a group at once join its team at once, also where the group waits its turn or is in the middle of a long one:
 * a first push, look-ups of many, a comparison of the whole.
 */
@Injectable()
export class SmallChanges {
  constructor(
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly views: GroupLoader,
    private readonly members: Members,
    private readonly groups: GroupApplier,
    private readonly leases: Leases,
  ) {}

  /**
   * @param joining groups that such people are being added to; what is begun is added, and taken out at its end
   * @param groupIds groups whose own turn may last, or may be long in coming
   * @returns what was begun, each of which may throw a ProviderError that concerns the whole account
   */
  async begin(run: RunContext, joining: Set<string>, groupIds: readonly string[]): Promise<Promise<void>[]> {
    const free = groupIds.filter((groupId) => !joining.has(groupId));
    if (joining.size >= TEAMS_AT_ONCE || free.length === 0) return [];
    const byGroup = new Map<string, PairMark[]>();
    for (const pair of await this.people.smallChanges(run.integration.id, free, PEOPLE_AT_ONCE)) {
      const known = byGroup.get(pair.groupId);
      if (known) known.push(pair);
      else byGroup.set(pair.groupId, [pair]);
    }
    return [...byGroup].slice(0, TEAMS_AT_ONCE - joining.size).map(([groupId, pairs]) => {
      joining.add(groupId);
      return this.apply(run, groupId, pairs).finally(() => joining.delete(groupId));
    });
  }

  private async apply(run: RunContext, groupId: string, pairs: readonly PairMark[]): Promise<void> {
    const view = await this.views.read(run.integration.id, groupId, run.provider);
    if (view.group && view.remote?.remoteId) await this.add(run, view as GroupWithRemote, pairs);
    // Whoever is left, such as those who only left this group, is looked at in the group's own turn.
    await this.leases.run(run.lease, (tx) =>
      tx.query(
        `UPDATE member_change SET smallOf = NULL WHERE ${ofTheseMarks(pairs)}`,
        ofPairs(groupId, pairs),
      ),
    );
  }

  private async add(run: RunContext, view: GroupWithRemote, pairs: readonly PairMark[]): Promise<void> {
    try {
      await this.users.resolve(run, askedForBy(pairs));
      for (let start = 0; start < pairs.length; start += CALLS_IN_A_ROW) {
        await this.members.addAtOnce(run, view, pairs.slice(start, start + CALLS_IN_A_ROW));
      }
    } catch (error) {
      // What is wrong with the team, or with a look-up, the group's own turn meets again: it tells, and tries again.
      if (!(error instanceof ProviderError)) throw error;
      if (!error.accountWide) return;
      // But for what ends everything else of the run before its next call.
      await this.groups.putOff(run, [view], error);
      throw error;
    }
  }
}
