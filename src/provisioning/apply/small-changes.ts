import { Injectable } from '@nestjs/common';
import { ProviderError } from '../../integrations/provider/provider-error';
import { Leases } from '../schedule/lease';
import { GroupApplier } from './group-applier';
import { GroupLoader } from './loaded-group';
import { Members } from './members';
import { type PairMark, People, marksParams, marksCondition } from './people';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';
import { UserResolution, askedForBy } from './user-resolution';

/** Remote groups with a small change in progress at the same time. */
const GROUPS_AT_ONCE = 16;
const USERS_AT_ONCE = 200;
/** After this many calls, removals of leavers and the group's own turn are let in. */
const CALLS_IN_A_ROW = 4;

/**
 * Adds the users of a small change at once, even if the group waits for its turn or is in the middle of a long
 * one: a first push, many look-ups, or a comparison of the whole group.
 */
@Injectable()
export class SmallChanges {
  constructor(
    private readonly people: People,
    private readonly users: UserResolution,
    private readonly loader: GroupLoader,
    private readonly members: Members,
    private readonly groups: GroupApplier,
    private readonly leases: Leases,
  ) {}

  /**
   * @param joining groups with a small change in progress; groups that are begun are added, and deleted at their
   *   end
   * @param groupIds groups whose own turn may last, or may be long in coming
   * @returns the started work, each of which may throw a ProviderError that concerns the whole account
   */
  async begin(run: RunContext, joining: Set<string>, groupIds: readonly string[]): Promise<Promise<void>[]> {
    const free = groupIds.filter((groupId) => !joining.has(groupId));
    if (joining.size >= GROUPS_AT_ONCE || free.length === 0) return [];
    const byGroup = new Map<string, PairMark[]>();
    for (const pair of await this.people.smallChanges(run.integration.id, free, USERS_AT_ONCE)) {
      const known = byGroup.get(pair.groupId);
      if (known) known.push(pair);
      else byGroup.set(pair.groupId, [pair]);
    }
    return [...byGroup].slice(0, GROUPS_AT_ONCE - joining.size).map(([groupId, pairs]) => {
      joining.add(groupId);
      return this.apply(run, groupId, pairs).finally(() => joining.delete(groupId));
    });
  }

  private async apply(run: RunContext, groupId: string, pairs: readonly PairMark[]): Promise<void> {
    const view = await this.loader.read(run.integration.id, groupId, run.provider);
    if (view.group && view.remote?.remoteId) await this.add(run, view as GroupWithRemote, pairs);
    // The group's own turn handles the remaining users, for example those that only left this group.
    await this.leases.run(run.lease, (tx) =>
      tx.query(
        `UPDATE member_change SET smallOf = NULL WHERE ${marksCondition(pairs)}`,
        marksParams(groupId, pairs),
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
      // The group's own turn meets the same failure of the remote group or look-up, records it and retries.
      if (!(error instanceof ProviderError)) throw error;
      if (!error.accountWide) return;
      // An account-wide failure ends all other work of the run before its next call, so it is recorded here.
      await this.groups.postpone(run, [view], error);
      throw error;
    }
  }
}
