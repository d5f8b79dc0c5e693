import { Injectable } from '@nestjs/common';
import { chunksOf } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import { RemovalScreen, type ScreenedGroup } from '../guard/removal-screen';
import type { MemberPlanInput } from '../plan/member-plan';
import { Leases } from '../schedule/lease';
import type { RemoteGroup } from '../state/remote-group.entity';
import { causesAmong, noteCauses } from './causes';
import type { LoadedGroup } from './loaded-group';
import { membersLinkedTo } from './known-target';
import { cancelWaitingRemovals, markRemoving } from './member-records';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';
import { noteCutOff } from './unclear-writes';
import { beginWriting } from './write-seq';

/**
 * Commits intents to remove members before any call is made. The guard against mass changes may hold some of them.
 */
@Injectable()
export class RemovalIntents {
  constructor(
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
  ) {}

  /**
   * Hundreds of users may have joined since the plan was made. The IdP may also want a member again that was about
   * to leave: it stays.
   *
   * @returns the remote users that may be removed; the others are held for an admin
   */
  async record(
    run: RunContext,
    view: GroupWithRemote,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
    known: MemberPlanInput['known'],
    causes: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    if (remove.length === 0) return [];
    const remoteGroupId = view.remote.id;
    return this.leases.run(run.lease, async (tx) => {
      const wanted = await wantedAmong(tx, view, run.integration.id, remove);
      const unwanted = remove.filter((id) => !wanted.has(id));
      // A removal that passed the guard once is already counted, and is not screened again. An addition that was
      // never answered is only undone: no known member leaves.
      const isPresent = (id: string) => known.get(id)?.state === 'present';
      const fresh = unwanted.filter(isPresent);
      const passed = new Set(await this.screen.removals(tx, screenedGroup(run, view), fresh, add));
      await cancelWaitingRemovals(
        tx,
        remoteGroupId,
        fresh.filter((id) => !passed.has(id)),
      );
      const mayLeave = new Set([...unwanted.filter((id) => !isPresent(id)), ...passed]);
      const allowed = unwanted.filter((id) => mayLeave.has(id));
      await noteCutOff(tx, remoteGroupId, allowed);
      for await (const some of chunksOf(allowed)) await markRemoving(tx, remoteGroupId, some);
      await noteCauses(tx, 'remote_member', remoteGroupId, causesAmong(causes, allowed));
      if (allowed.length > 0) await beginWriting(tx, remoteGroupId);
      return allowed;
    });
  }
}

/** The remote users that the IdP wants in the group now; empty if the group is deleted. */
async function wantedAmong(
  tx: Transaction,
  { group, groupId }: LoadedGroup,
  integrationId: string,
  remoteUserIds: readonly string[],
): Promise<Set<string>> {
  const wanted = new Set<string>();
  if (group === null) return wanted;
  for await (const some of chunksOf(remoteUserIds)) {
    const members = await membersLinkedTo(tx, integrationId, groupId, some);
    for (const { remoteUserId } of members) wanted.add(remoteUserId);
  }
  return wanted;
}

/** The group as the guard against mass changes needs it. */
export function screenedGroup(
  run: RunContext,
  view: LoadedGroup & { remote: Pick<RemoteGroup, 'id' | 'groupName'> },
): ScreenedGroup {
  return {
    integrationId: run.integration.id,
    groupId: view.groupId,
    remoteGroupId: view.remote.id,
    displayName: view.group?.displayName ?? view.remote.groupName,
    policy: run.integration.policies.guard,
  };
}
