import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { CHANGE_NOT_FOUND, GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { refusalDelay } from '../plan/backoff';
import { planName } from '../plan/name-plan';
import { NAME_NOT_FREE_YET, claimObstacle, notFreeYetObstacle } from '../plan/new-group';
import { type PendingRename, planRename, temporaryName } from '../plan/rename-plan';
import { Leases } from '../schedule/lease';
import type { ParkedKind } from '../state/parked-member.entity';
import { RemoteGroup } from '../state/remote-group.entity';
import { offerFreedNames } from './freed-names';
import { GroupBlockedError } from './group-blocked';
import { type NameHolder, holderOfName } from './known-target';
import { passingDelayOf, refusedDelay, unlessNotVisibleYet } from './not-visible-yet';
import { ProvisioningAudit } from './provisioning-audit';
import type { RunContext } from './run-context';
import { type GroupWithRemote, blockedBy } from './remote-groups';
import { raiseWriteSeq } from './write-seq';

/** A name that no remote group of ours holds any more may become free in a moment. */
const NAME_CONFLICT_RETRY_MS = 5_000;

type NamedView = GroupWithRemote & { group: { displayName: string } };

/** Gives the remote group the name of its group. */
@Injectable()
export class RemoteGroupNames {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly audit: ProvisioningAudit,
  ) {}

  /** A name that the target refuses is recorded with the group. It stops no other work. */
  async ensure(run: RunContext, view: GroupWithRemote, now: number): Promise<GroupWithRemote> {
    const { remote, group } = view;
    if (!group) return view;
    const changed = view.change !== null;
    const plan = planName({ name: group.displayName, team: remote, changed, now, provider: run.provider });
    if (plan.kind === 'wait') return view;
    if (plan.kind === 'keep') return remote.nameReason === null ? view : this.forgetNameProblem(run, view);
    try {
      if (plan.kind === 'blocked') throw blockedBy(plan.obstacle);
      if ((await this.freeNameFor(run, { ...view, group })) === 'wait')
        throw nameNotFreeYet(group.displayName);
      await this.leases.run(run.lease, (tx) => raiseWriteSeq(tx, remote.id));
      await this.rename(run, view, group.displayName, false);
    } catch (error) {
      const problem = await this.recordNameProblem(run, { ...view, group }, ofThisName(remote, error));
      if (!problem) throw error;
      return { ...view, remote: { ...remote, ...problem } };
    }
    const renamed = {
      remoteName: group.displayName,
      remoteNameKey: run.provider.groupNameKey(group.displayName),
      groupName: group.displayName,
      ...NO_NAME_PROBLEM,
    };
    await this.leases.run(run.lease, async (tx) => {
      await tx.manager.update(RemoteGroup, { id: remote.id }, renamed);
      await offerFreedNames(tx, run, remote.remoteName);
      await this.audit.record(tx, run, [renaming(view, group.displayName, false)]);
    });
    return { ...view, remote: { ...remote, ...renamed } };
  }

  /**
   * The holder of the name is read in the same transaction that records the problem. Then a group that frees the
   * name later finds this one waiting.
   *
   * @returns null if the failure does not concern the name alone
   */
  private recordNameProblem(run: RunContext, { remote, group }: NamedView, error: unknown) {
    const { integration, provider, lease } = run;
    return this.leases.run(lease, async (tx) => {
      const holder = await holderOfName(tx, integration.id, provider.groupNameKey(group.displayName));
      const other = holder?.id === remote.id ? undefined : holder;
      // An attempt before its time, caused by a change, replaces the last attempt and is not counted.
      const isEarly = Number(remote.nameNextAttemptAt ?? 0) > Date.now();
      const attemptsOf = (kind: ParkedKind) =>
        remote.nameKind === kind ? Math.max(1, remote.nameAttempts + (isEarly ? 0 : 1)) : 1;
      const problem = nameProblem(explainConflict(error, other, integration.id), attemptsOf);
      const isFreeByNow = problem?.nameReason === NAME_NOT_FREE_YET && !other;
      if (isFreeByNow) problem.nameNextAttemptAt = Date.now();
      if (problem) await tx.manager.update(RemoteGroup, { id: remote.id }, problem);
      return problem;
    });
  }

  /**
   * @throws ProviderError after the failure is audited; a successful rename is audited by the caller, with its
   *   result
   */
  private async rename(
    run: RunContext,
    view: GroupWithRemote,
    name: string,
    temporary: boolean,
  ): Promise<void> {
    try {
      await run.connection.updateGroup(view.remote.remoteId, { name }, run.call);
    } catch (error) {
      if (error instanceof ProviderError) {
        const { reason } = error;
        await this.leases.run(run.lease, (tx) =>
          this.audit.record(tx, run, [renaming(view, name, temporary, reason)]),
        );
      }
      throw error;
    }
  }

  /** A refused name is no longer wanted: there is nothing left to retry. */
  private async forgetNameProblem(run: RunContext, view: GroupWithRemote): Promise<GroupWithRemote> {
    const { id } = view.remote;
    await this.leases.run(run.lease, (tx) => tx.manager.update(RemoteGroup, { id }, NO_NAME_PROBLEM));
    return { ...view, remote: { ...view.remote, ...NO_NAME_PROBLEM } };
  }

  /**
   * Our own remote groups give up their names in an order in which each one finds its new name free. In a circle,
   * one of them takes a temporary name.
   */
  private async freeNameFor(run: RunContext, view: NamedView): Promise<'now' | 'wait'> {
    const { remote } = view;
    const step = planRename(remote.id, await this.renamesBefore(run, view));
    if (step !== 'through-temporary-name') return step;
    const name = temporaryName(remote.remoteName!, remote.id, run.provider.limits.groupNameLength);
    // Recorded before it is sent: whatever the call returns, the remote group is renamed again afterwards.
    await this.leases.run(run.lease, async (tx) => {
      await tx.manager.update(RemoteGroup, { id: remote.id }, { remoteName: name });
      await raiseWriteSeq(tx, remote.id);
    });
    await this.rename(run, view, name, true);
    // Only after the call has succeeded. Until then the circle stays closed, and a new run repeats this step.
    const remoteNameKey = run.provider.groupNameKey(name);
    await this.leases.run(run.lease, async (tx) => {
      await tx.manager.update(RemoteGroup, { id: remote.id }, { remoteNameKey });
      await offerFreedNames(tx, run, remote.remoteName);
      await this.audit.record(tx, run, [renaming(view, name, true)]);
    });
    return 'wait';
  }

  /**
   * This rename, then the one of the group that holds the wanted name, then of the group that holds that group's
   * wanted name, and so on.
   */
  private async renamesBefore(
    { integration, provider }: RunContext,
    { remote, group }: NamedView,
  ): Promise<PendingRename[]> {
    let wantedKey = provider.groupNameKey(group.displayName);
    const renames = [{ id: remote.id, heldKey: remote.remoteNameKey!, wantedKey, stuck: false }];
    const visited = new Set([remote.id]);
    for (;;) {
      const holder = await holderOfName(this.reader, integration.id, wantedKey);
      if (!holder || holder.wanted === null || visited.has(holder.id)) return renames;
      const wanted = provider.keptGroupName(holder.wanted);
      if (wanted === holder.remoteName) return renames;
      const heldKey = wantedKey;
      wantedKey = provider.groupNameKey(wanted);
      renames.push({ id: holder.id, heldKey, wantedKey, stuck: holder.stuck });
      // The smallest id that is not stuck opens a circle. This group has a larger id, so it opens none.
      if (!holder.stuck && holder.id < remote.id) return renames;
      visited.add(holder.id);
    }
  }
}

/** @param temporary whether the name is only for the time in which remote groups swap their names */
function renaming(
  { groupId, change, remote }: GroupWithRemote,
  to: string,
  temporary: boolean,
  failure?: string,
) {
  const detail = { remoteId: remote.remoteId, from: remote.remoteName, to, temporary };
  return {
    action: 'team.renamed',
    target: { type: 'group', id: groupId },
    cause: change?.cause,
    attempt: '',
    ...(failure === undefined
      ? { detail }
      : { outcome: 'failed' as const, detail: { ...detail, reason: failure } }),
  };
}

const NO_NAME_PROBLEM = {
  nameKind: null,
  nameReason: null,
  nameMessage: null,
  nameAttempts: 0,
  nameNextAttemptAt: null,
} as const;

/** Another remote group of ours holds the name and gives it up in a moment. */
function nameNotFreeYet(name: string): ProviderError {
  return new ProviderError({
    kind: 'unavailable',
    outcome: 'not-applied',
    reason: NAME_NOT_FREE_YET,
    message: `The name "${name}" is not free yet: another team of this integration still has it and is about to be renamed.`,
    remedy: 'Nothing needs to be done. Scimify tries again.',
  });
}

/**
 * A remote group that the target shows may still be too new for a rename. If the target does not show it, the
 * failure does not concern the name.
 */
function ofThisName(remote: RemoteGroup, error: unknown): unknown {
  const isShown = error instanceof ProviderError && error.reason === CHANGE_NOT_FOUND;
  return isShown ? unlessNotVisibleYet(remote, error) : error;
}

/** Explains a name conflict if the other remote group is ours. */
function explainConflict(error: unknown, holder: NameHolder | undefined, integrationId: string): unknown {
  if (!(error instanceof ProviderError) || error.kind !== 'conflict' || !holder) return error;
  const { remoteName, wanted, groupName } = holder;
  return blockedBy(
    wanted === null
      ? notFreeYetObstacle(remoteName, { groupName, deleted: true })
      : claimObstacle(remoteName, { groupName: wanted, integrationId }, integrationId),
  );
}

/** @param attemptsOf failures of that kind in a row, including this one */
function nameProblem(error: unknown, attemptsOf: (kind: ParkedKind) => number) {
  if (error instanceof GroupBlockedError) {
    const attempts = attemptsOf('waiting');
    return {
      nameKind: 'waiting' as ParkedKind,
      nameReason: error.reason,
      nameMessage: error.explanation,
      nameAttempts: attempts,
      nameNextAttemptAt: Date.now() + refusalDelay(attempts),
    };
  }
  if (!(error instanceof ProviderError) || error.accountWide || error.reason === GROUP_GONE) return null;
  const nameKind: ParkedKind = error.isTransient ? 'passing' : 'waiting';
  const attempts = attemptsOf(nameKind);
  const delay = error.isTransient
    ? passingDelayOf(error, attempts)
    : error.kind === 'conflict' && attempts <= 3
      ? NAME_CONFLICT_RETRY_MS
      : refusedDelay(error, attempts);
  return {
    nameKind: nameKind,
    nameReason: error.reason,
    nameMessage: error.explanation,
    nameAttempts: attempts,
    nameNextAttemptAt: Date.now() + delay,
  };
}
