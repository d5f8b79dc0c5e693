import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { chunksOf } from '../../database/chunks';
import { placeholders } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import type { RemoteGroup as FoundTeam } from '../../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import { planTeam } from '../plan/group-plan';
import { planName } from '../plan/name-plan';
import { type Obstacle, claimObstacle, isIntended, planNewTeam } from '../plan/new-team';
import { planRename, temporaryName } from '../plan/rename-plan';
import { Leases } from '../schedule/lease';
import { type CreateIntent, RemoteGroup } from '../state/remote-group.entity';
import { GroupBlockedError } from './group-blocked';
import type { GroupView } from './group-view';
import { ProvisioningAudit } from './provisioning-audit';
import { claimOn, tombstoneNamed } from './known-target';
import type { RunContext } from './run-context';

/** The bytes of a creation may still be on their way for as long as a call may take. */
const CREATE_MAY_BE_UNDER_WAY_MS = 12_000;
/** Another team of ours is being renamed. */
const NAME_FREE_SOON_MS = 500;
/** A name that another of our own teams still holds is free as soon as that one is renamed. */
const NAME_CONFLICT_RETRY_MS = 5_000;

/** A group together with its team in the target. */
export type ViewWithTeam = GroupView & { remote: RemoteGroup & { remoteId: string } };

/** Sees to it that a group has its team, and that the team has the group's name. */
@Injectable()
export class Teams {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * A new group takes over what a deleted one of the same name has in the target, with its claim and its members; the
   * pending deletion is off. Has to be done before any deletion of the same run is sent.
   */
  async takeOver(run: RunContext, view: GroupView): Promise<GroupView> {
    const { group } = view;
    if (!group || view.remote?.remoteId) return view;
    const key = run.provider.groupNameKey(group.displayName);
    const taken = await this.leases.run(run.lease, async (tx) => {
      const id = await tombstoneNamed(tx, run.integration.id, key, view.groupId);
      if (id === null) return null;
      await tx.manager.delete(RemoteGroup, { integrationId: run.integration.id, groupId: view.groupId });
      await tx.manager.update(
        RemoteGroup,
        { id },
        {
          groupId: view.groupId,
          groupName: group.displayName,
          deletingSince: null,
          appliedGeneration: 0,
          state: 'pending',
          ...NOTHING_WRONG,
        },
      );
      return tx.manager.findOneByOrFail(RemoteGroup, { id });
    });
    return taken ? { ...comparedWhole(view), remote: taken } : view;
  }

  /**
   * @param found what a look-up of the group's name has just shown, if one was made
   * @throws GroupBlockedError, ProviderError
   */
  async ensure(
    run: RunContext,
    view: GroupView & { group: object },
    found?: ReadonlyMap<string, FoundTeam>,
  ): Promise<ViewWithTeam> {
    const remote = view.remote ?? (await this.begin(run, view));
    const action = planTeam(view.group, remote, run.integration.policies.onGroupDelete);
    if (action.kind === 'resume-create') {
      const existing = await this.findIntended(run, action.intent);
      return this.obtain(run, { ...view, remote }, action.intent.name, existing);
    }
    if (action.kind === 'find-or-create') {
      const known = found ?? (await run.connection.findGroups([action.name], run.call));
      const existing = known.get(run.provider.groupNameKey(action.name));
      return this.obtain(run, { ...view, remote }, action.name, existing);
    }
    return { ...view, remote } as ViewWithTeam;
  }

  /** @param existing what the target has under that name */
  private async obtain(
    run: RunContext,
    view: GroupView & { remote: RemoteGroup },
    name: string,
    existing: FoundTeam | undefined,
  ): Promise<ViewWithTeam> {
    const plan = planNewTeam({
      name,
      existing,
      intent: view.remote.createIntent,
      claim: existing && (await this.claimOf(run, view.remote.id, existing)),
      integrationId: run.integration.id,
      existingTeams: run.integration.policies.existingTeams,
      provider: run.provider,
    });
    switch (plan.kind) {
      case 'create':
        return this.create(run, view, plan.name);
      case 'recognise':
        return this.own(run, view, plan.team, 'created');
      case 'adopt':
        return this.adopt(run, view, plan.team);
      case 'blocked':
        throw blockedBy(plan.obstacle);
    }
  }

  /** A name that the target refuses is recorded with the group and stops nothing else. */
  async ensureName(run: RunContext, view: ViewWithTeam, now: number): Promise<ViewWithTeam> {
    const { remote, group } = view;
    if (!group) return view;
    const changed = view.change !== null;
    const plan = planName({ name: group.displayName, team: remote, changed, now, provider: run.provider });
    if (plan.kind === 'keep' || plan.kind === 'wait') return view;
    try {
      if (plan.kind === 'blocked') throw blockedBy(plan.obstacle);
      if ((await this.makeWayFor(run, view)) === 'wait') throw nameNotFreeYet(group.displayName);
      await this.leases.run(run.lease, (tx) => raiseWriteSeq(tx, remote.id));
      await run.connection.updateGroup(remote.remoteId, { name: group.displayName }, run.call);
    } catch (error) {
      const problem = nameProblem(error, remote.nameAttempts + 1);
      if (!problem) throw error;
      await this.leases.run(run.lease, (tx) => tx.manager.update(RemoteGroup, { id: remote.id }, problem));
      return { ...view, remote: { ...remote, ...problem } };
    }
    const renamed = {
      remoteName: group.displayName,
      remoteNameKey: run.provider.groupNameKey(group.displayName),
      groupName: group.displayName,
      ...NAME_RIGHT,
    };
    await this.leases.run(run.lease, async (tx) => {
      await tx.manager.update(RemoteGroup, { id: remote.id }, renamed);
      await this.audit.record(tx, run, [
        {
          action: 'team.renamed',
          target: { type: 'group', id: view.groupId },
          detail: { remoteId: remote.remoteId, from: remote.remoteName, to: group.displayName },
        },
      ]);
    });
    return { ...view, remote: { ...remote, ...renamed } };
  }

  /** Our own teams give up their names in an order in which each finds its next one free; a circle is opened by one of them. */
  private async makeWayFor(run: RunContext, { remote }: ViewWithTeam): Promise<'now' | 'wait'> {
    const rows = await this.reader.query<{ id: string; heldKey: string; wanted: string }[]>(
      `SELECT r.id AS id, r.remoteNameKey AS heldKey, g.displayName AS wanted FROM remote_group r
       JOIN scim_group g ON g.id = r.groupId AND g.deletedAt IS NULL
       WHERE r.integrationId = ? AND r.remoteId IS NOT NULL AND r.remoteName <> g.displayName`,
      [run.integration.id],
    );
    const pending = rows.map(({ id, heldKey, wanted }) => ({
      id,
      heldKey,
      wantedKey: run.provider.groupNameKey(wanted),
    }));
    const step = planRename(remote.id, pending);
    if (step !== 'through-temporary-name') return step;
    const name = temporaryName(remote.remoteName!, remote.id, run.provider.limits.groupNameLength);
    // Recorded before it is sent: whatever becomes of the call, the team is renamed again afterwards.
    await this.leases.run(run.lease, async (tx) => {
      await tx.manager.update(
        RemoteGroup,
        { id: remote.id },
        { remoteName: name, remoteNameKey: run.provider.groupNameKey(name) },
      );
      await raiseWriteSeq(tx, remote.id);
    });
    await run.connection.updateGroup(remote.remoteId, { name }, run.call);
    return 'wait';
  }

  /** The target says that the team is gone: everything that we knew of it is void. */
  async forget(run: RunContext, view: ViewWithTeam): Promise<void> {
    await this.leases.run(run.lease, async (tx) => {
      await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [view.remote.id]);
      await tx.manager.update(
        RemoteGroup,
        { id: view.remote.id },
        {
          remoteId: null,
          remoteName: null,
          remoteNameKey: null,
          remoteUrl: null,
          ownership: null,
          ...NOTHING_WRONG,
        },
      );
      // Whoever was in the team has to be put into the next one.
      await this.marks.mark(tx, run.integration.id, new Map([[view.groupId, []]]), true);
      await this.audit.record(tx, run, [
        {
          action: 'team.vanished',
          target: { type: 'group', id: view.groupId },
          outcome: 'failed',
          detail: { remoteId: view.remote.remoteId },
        },
      ]);
    });
  }

  private async begin(run: RunContext, view: GroupView & { group: object }): Promise<RemoteGroup> {
    const id = uuid();
    return this.leases.run(run.lease, async (tx) => {
      await tx.manager.insert(RemoteGroup, {
        id,
        integrationId: run.integration.id,
        groupId: view.groupId,
        groupName: view.group.displayName,
        accountIdentity: run.accountIdentity,
        appliedGeneration: 0,
        state: 'pending',
        attempts: 0,
        nameAttempts: 0,
        writeSeq: 0,
      });
      return tx.manager.findOneByOrFail(RemoteGroup, { id });
    });
  }

  /**
   * A group was deleted while the creation of its team had no answer.
   *
   * @returns null when the team was never created
   */
  async settleCreation(
    run: RunContext,
    view: GroupView & { remote: RemoteGroup },
    intent: CreateIntent,
  ): Promise<ViewWithTeam | null> {
    const team = await this.findIntended(run, intent);
    return team && isIntended(team, intent) ? this.own(run, view, team, 'created') : null;
  }

  /** @throws ProviderError while the creation may still be on its way */
  private async findIntended(run: RunContext, intent: CreateIntent): Promise<FoundTeam | undefined> {
    const underWayFor = intent.lookedUpAt + CREATE_MAY_BE_UNDER_WAY_MS - Date.now();
    if (underWayFor > 0) {
      throw new ProviderError({
        kind: 'unavailable',
        outcome: 'unknown',
        reason: 'creation_unconfirmed',
        message: `Whether the team "${intent.name}" was created is not known yet.`,
        remedy: 'Nothing needs to be done: it is looked up in a moment.',
        retryAfterMs: underWayFor,
      });
    }
    const found = await run.connection.findGroups([intent.name], run.call);
    return found.get(run.provider.groupNameKey(intent.name));
  }

  private async create(
    run: RunContext,
    view: GroupView & { remote: RemoteGroup },
    name: string,
  ): Promise<ViewWithTeam> {
    const intent: CreateIntent = { name, description: descriptionOf(run, name), lookedUpAt: Date.now() };
    await this.leases.run(run.lease, (tx) =>
      tx.manager.update(
        RemoteGroup,
        { id: view.remote.id },
        { createIntent: intent, remoteNameKey: run.provider.groupNameKey(name), state: 'syncing' },
      ),
    );
    try {
      const team = await run.connection.createGroup(
        { name: intent.name, description: intent.description },
        run.call,
      );
      return await this.own(run, view, team, 'created');
    } catch (error) {
      const refused = error instanceof ProviderError && error.outcome === 'not-applied';
      // A name that is taken although it was free may be our own creation, which the target did not confirm.
      if (refused && error.kind !== 'conflict') {
        await this.leases.run(run.lease, (tx) =>
          tx.manager.update(RemoteGroup, { id: view.remote.id }, { createIntent: null }),
        );
      }
      throw error;
    }
  }

  private async adopt(
    run: RunContext,
    view: GroupView & { remote: RemoteGroup },
    team: FoundTeam,
  ): Promise<ViewWithTeam> {
    const members = await run.connection.listMembers(team.id, run.call);
    const adopted = await this.own(run, view, team, 'adopted', async (tx) => {
      for await (const some of chunksOf(members)) {
        await tx.query(
          `INSERT INTO remote_member (remoteGroupId, remoteUserId, state, managed, preexisting, role, attempts)
           VALUES ${placeholders(some.length, 7)}`,
          some.flatMap(({ remoteUserId, role }) => [view.remote.id, remoteUserId, 'present', 0, 1, role, 0]),
        );
      }
    });
    return comparedWhole(adopted);
  }

  private async own(
    run: RunContext,
    view: GroupView & { remote: RemoteGroup },
    team: FoundTeam,
    ownership: 'created' | 'adopted',
    also: (tx: Transaction) => Promise<void> = async () => undefined,
  ): Promise<ViewWithTeam> {
    const owned = {
      accountIdentity: run.accountIdentity,
      remoteId: team.id,
      remoteName: team.name,
      remoteNameKey: run.provider.groupNameKey(team.name),
      remoteUrl: team.url,
      ownership,
      createIntent: null,
      createdRemotelyAt: ownership === 'created' ? Date.now() : null,
      ...NOTHING_WRONG,
    };
    await this.leases.run(run.lease, async (tx) => {
      const claim = await claimOn(tx, run.accountIdentity, team.id, view.remote.id);
      if (claim) throw blockedBy(claimObstacle(team.name, claim, run.integration.id));
      await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [view.remote.id]);
      await tx.manager.update(RemoteGroup, { id: view.remote.id }, owned);
      await also(tx);
      await this.audit.record(tx, run, [
        {
          action: `team.${ownership}`,
          target: { type: 'group', id: view.groupId },
          detail: { remoteId: team.id, name: team.name },
        },
      ]);
    });
    return { ...view, remote: { ...view.remote, ...owned } };
  }

  private claimOf(run: RunContext, remoteGroupId: string, team: FoundTeam) {
    return this.leases.run(run.lease, (tx) => claimOn(tx, run.accountIdentity, team.id, remoteGroupId));
  }
}

/** What a group's row says when nothing stands in its way. */
export const NOTHING_WRONG = {
  reason: null,
  message: null,
  attempts: 0,
  nextAttemptAt: null,
  notBefore: null,
  blockedMark: null,
} as const;

const NAME_RIGHT = { nameReason: null, nameMessage: null, nameAttempts: 0, nameNextAttemptAt: null } as const;

export async function raiseWriteSeq(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query('UPDATE remote_group SET writeSeq = writeSeq + 1, lastWriteAt = ? WHERE id = ?', [
    Date.now(),
    remoteGroupId,
  ]);
}

/** A team that was not ours before: whoever is in the group may be in it already. */
export function comparedWhole<View extends GroupView>(view: View): View {
  return { ...view, change: view.change && { ...view.change, whole: true } };
}

function blockedBy({ reason, message }: Obstacle): GroupBlockedError {
  return new GroupBlockedError(reason, message);
}

/** Another team of ours has the name and gives it up in a moment. */
function nameNotFreeYet(name: string): ProviderError {
  return new ProviderError({
    kind: 'unavailable',
    outcome: 'not-applied',
    reason: 'name_not_free_yet',
    message: `The name "${name}" is free as soon as another team of this integration is renamed.`,
    remedy: 'Nothing needs to be done: it is tried again by itself.',
    retryAfterMs: NAME_FREE_SOON_MS,
  });
}

function nameProblem(error: unknown, attempts: number) {
  if (error instanceof GroupBlockedError) {
    return {
      nameReason: error.reason,
      nameMessage: error.explanation,
      nameAttempts: attempts,
      nameNextAttemptAt: Date.now() + refusalDelay(attempts),
    };
  }
  if (!(error instanceof ProviderError) || error.accountWide || error.reason === GROUP_GONE) return null;
  const delay = error.isTransient
    ? passingFailureDelay(attempts, error.retryAfterMs, Math.random())
    : error.kind === 'conflict' && attempts <= 3
      ? NAME_CONFLICT_RETRY_MS
      : refusalDelay(attempts);
  return {
    nameReason: error.reason,
    nameMessage: error.explanation,
    nameAttempts: attempts,
    nameNextAttemptAt: Date.now() + delay,
  };
}

const DEFAULT_DESCRIPTION = 'Created via Scimify for tenant {tenant_id}';

function descriptionOf(run: RunContext, groupName: string): string {
  const { groupDescription } = run.integration.settings as { groupDescription?: string };
  const values: Record<string, string> = {
    tenant_id: run.integration.tenantId,
    group_name: groupName,
    integration_name: run.integration.name,
  };
  return (groupDescription ?? DEFAULT_DESCRIPTION).replace(
    /\{(tenant_id|group_name|integration_name)\}/g,
    (_, name: string) => values[name]!,
  );
}
