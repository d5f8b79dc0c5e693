import { Injectable } from '@nestjs/common';
import { chunksOf } from '../../database/chunks';
import { RemovalScreen, type ScreenedTeam } from '../guard/removal-screen';
import type { MemberPlanInput } from '../plan/member-plan';
import { Leases } from '../schedule/lease';
import type { RemoteGroup } from '../state/remote-group.entity';
import { causesAmong, noteCauses } from './causes';
import type { GroupView } from './group-view';
import { callOff, markRemoving } from './member-records';
import type { RunContext } from './run-context';
import type { ViewWithTeam } from './teams';
import { noteCutOff } from './unclear-writes';
import { beginWriting } from './write-seq';

/** Commits that people are to be removed before any call is made, as far as the guard against mass changes lets them. */
@Injectable()
export class RemovalIntents {
  constructor(
    private readonly leases: Leases,
    private readonly screen: RemovalScreen,
  ) {}

  /** @returns the remote users who may be removed; others are held back for an admin */
  async record(
    run: RunContext,
    view: ViewWithTeam,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
    known: MemberPlanInput['known'],
    causes: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    if (remove.length === 0) return [];
    const remoteGroupId = view.remote.id;
    return this.leases.run(run.lease, async (tx) => {
      // A removal that was let through once is counted, and is not asked about again. An addition that was never answered is
      // undone: nobody leaves the team by that.
      const isPresent = (id: string) => known.get(id)?.state === 'present';
      const fresh = remove.filter(isPresent);
      const passed = new Set(await this.screen.removals(tx, screenedTeam(run, view), fresh, add));
      await callOff(
        tx,
        remoteGroupId,
        fresh.filter((id) => !passed.has(id)),
      );
      const mayLeave = new Set([...remove.filter((id) => !isPresent(id)), ...passed]);
      const allowed = remove.filter((id) => mayLeave.has(id));
      await noteCutOff(tx, remoteGroupId, allowed);
      for await (const some of chunksOf(allowed)) await markRemoving(tx, remoteGroupId, some);
      await noteCauses(tx, 'remote_member', remoteGroupId, causesAmong(causes, allowed));
      if (allowed.length > 0) await beginWriting(tx, remoteGroupId);
      return allowed;
    });
  }
}

/** The team as the guard against mass changes counts it. */
export function screenedTeam(
  run: RunContext,
  view: GroupView & { remote: Pick<RemoteGroup, 'id' | 'groupName'> },
): ScreenedTeam {
  return {
    integrationId: run.integration.id,
    groupId: view.groupId,
    remoteGroupId: view.remote.id,
    displayName: view.group?.displayName ?? view.remote.groupName,
    policy: run.integration.policies.guard,
  };
}
