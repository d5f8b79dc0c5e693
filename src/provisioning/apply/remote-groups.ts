import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { chunksOf } from '../../database/chunks';
import { placeholders } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import type { ProviderGroup as FoundGroup } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { dropItemsOf, forgetDeletion } from '../guard/held-items';
import { mayBeDeletedByUs, planGroup } from '../plan/group-plan';
import { LOOK_FOR_CREATED_MS, READS_LAG_MS, mayBeShownYet } from '../plan/just-created';
import {
  CREATION_UNCONFIRMED,
  type Obstacle,
  claimObstacle,
  isIntended,
  planNewGroup,
  unconfirmedMessage,
} from '../plan/new-group';
import { DriftLedger, renamedByHand } from '../reconcile/drift-ledger';
import { Leases } from '../schedule/lease';
import { type CreateIntent, RemoteGroup } from '../state/remote-group.entity';
import { correctName } from './freed-names';
import { GroupBlockedError, NameNotFreeYetError } from './group-blocked';
import { type LoadedGroup, nameWithoutRemoteGroup } from './loaded-group';
import { ProvisioningAudit } from './provisioning-audit';
import { claimOn, isBeingCreated, tombstoneNamed } from './known-target';
import type { RunContext } from './run-context';

/** A creation may still be in flight for as long as a call may take. */
const CREATE_IN_FLIGHT_MS = 12_000;

/** A group with its existing remote group. */
export type GroupWithRemote = LoadedGroup & { remote: RemoteGroup & { remoteId: string } };

/** Creates, adopts or takes over the remote group of a group. */
@Injectable()
export class RemoteGroups {
  constructor(
    private readonly leases: Leases,
    private readonly audit: ProvisioningAudit,
    private readonly marks: ChangeMarks,
    private readonly drift: DriftLedger,
  ) {}

  /**
   * A new group takes over the remote group of a deleted one with the same name: its claim and its members. The
   * pending deletion is cancelled. This must happen before any deletion of the same batch is sent. It must also be
   * known first whether the group has a remote group of its own: one whose creation had no answer would be
   * orphaned.
   *
   * @param isInProgress whether another worker processes that deleted group, for example to delete its remote
   *   group; then nothing is taken over
   */
  async takeOver(
    run: RunContext,
    view: LoadedGroup,
    isInProgress: (groupId: string) => boolean,
  ): Promise<LoadedGroup> {
    const { group } = view;
    if (!group || nameWithoutRemoteGroup(view) === null) return view;
    const key = run.provider.groupNameKey(group.displayName);
    const taken = await this.leases.run(run.lease, async (tx) => {
      const id = await tombstoneNamed(tx, run.integration.id, key, view.groupId);
      if (id === null) return null;
      const tombstone = await tx.manager.findOneByOrFail(RemoteGroup, { id });
      const { groupId: formerGroupId } = tombstone;
      if (isInProgress(formerGroupId)) return null;
      await dropItemsOf(tx, run.integration.id, formerGroupId);
      if (!mayBeDeletedByUs(tombstone)) await forgetDeletion(tx, id);
      await tx.manager.delete(RemoteGroup, { integrationId: run.integration.id, groupId: view.groupId });
      await tx.manager.update(
        RemoteGroup,
        { id },
        {
          groupId: view.groupId,
          groupName: group.displayName,
          deletingSince: null,
          letThroughAt: null,
          appliedGeneration: 0,
          state: 'pending',
          ...NO_PROBLEM,
        },
      );
      return tx.manager.findOneByOrFail(RemoteGroup, { id });
    });
    return taken ? { ...comparedWhole(view), remote: taken } : view;
  }

  /**
   * @param found the result of a recent look-up of the group's name, if there was one
   * @throws GroupBlockedError, ProviderError
   */
  async ensure(
    run: RunContext,
    view: LoadedGroup & { group: object },
    found?: ReadonlyMap<string, FoundGroup>,
  ): Promise<GroupWithRemote> {
    const remote = view.remote ?? (await this.createRow(run, view));
    const action = planGroup(view.group, remote);
    if (action.kind === 'resume-create') {
      const existing = await this.findIntended(run, action.intent);
      return this.obtain(run, { ...view, remote }, action.intent.name, existing);
    }
    if (action.kind === 'find-or-create') {
      const known = found ?? (await run.connection.findGroups([action.name], run.call));
      const key = run.provider.groupNameKey(action.name);
      const existing = known.get(key);
      try {
        return await this.obtain(run, { ...view, remote }, action.name, existing);
      } catch (error) {
        // The look-up may be minutes old, and the name taken since.
        if (!found || existing || !(error instanceof ProviderError && error.kind === 'conflict')) throw error;
        const since = (await run.connection.findGroups([action.name], run.call)).get(key);
        if (!since) throw error;
        return this.obtain(run, { ...view, remote }, action.name, since);
      }
    }
    return { ...view, remote } as GroupWithRemote;
  }

  /** @param existing the remote group that has this name in the target */
  private async obtain(
    run: RunContext,
    view: LoadedGroup & { group: { displayName: string }; remote: RemoteGroup },
    name: string,
    existing: FoundGroup | undefined,
  ): Promise<GroupWithRemote> {
    const plan = planNewGroup({
      name,
      groupName: view.group.displayName,
      existing,
      intent: view.remote.createIntent,
      claim: existing && (await this.claimOf(run, view.remote.id, existing)),
      mayBelongToAnotherGroup: await this.isBeingCreated(run, view.remote.id, name),
      integrationId: run.integration.id,
      existingTeams: run.integration.policies.existingTeams,
      now: Date.now(),
      provider: run.provider,
    });
    switch (plan.kind) {
      case 'create':
        return this.create(run, view, plan.name);
      case 'recognise':
        return this.recordOwned(run, view, plan.team, 'created');
      case 'adopt':
        return this.adopt(run, view, plan.team);
      case 'give-up':
        return this.ensure(run, { ...view, remote: await this.giveUpCreation(run, view.remote) });
      case 'wait':
        throw unconfirmed(name, CREATE_IN_FLIGHT_MS);
      case 'wait-for-name':
        await this.noteRenamedByHand(run, existing!);
        throw new NameNotFreeYetError(plan.obstacle.message);
      case 'blocked':
        throw blockedBy(plan.obstacle);
    }
  }

  /**
   * Restores the name of a remote group of ours that was renamed by hand, now and not at the next reconciliation:
   * another group waits for the name it has. Soon after a write of ours the target may still show the old name;
   * that is ignored.
   */
  private async noteRenamedByHand(run: RunContext, seen: FoundGroup): Promise<void> {
    const now = Date.now();
    const { accountIdentity, integration } = run;
    await this.leases.run(run.lease, async (tx) => {
      const remote = await tx.manager.findOneBy(RemoteGroup, { accountIdentity, remoteId: seen.id });
      if (!remote || remote.deletingSince !== null || remote.remoteName === seen.name) return;
      if (Number(remote.lastWriteAt ?? 0) > now - READS_LAG_MS) return;
      await correctName(tx, run, remote, seen.name);
      await this.drift.record(tx, integration.id, [renamedByHand(remote, seen.name)], now);
      await this.marks.mark(tx, integration.id, new Map([[remote.groupId, []]]));
    });
  }

  /** Creates the group's row, so that its state can be recorded. */
  async createRow(run: RunContext, view: LoadedGroup & { group: object }): Promise<RemoteGroup> {
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
   * A group was deleted while the creation of its remote group had no answer.
   *
   * @returns null when the remote group was never created
   * @throws ProviderError while the target may not show it yet
   */
  async settleCreation(
    run: RunContext,
    view: LoadedGroup & { remote: RemoteGroup },
    intent: CreateIntent,
  ): Promise<GroupWithRemote | null> {
    const found = await this.findIntended(run, intent);
    if (!found && mayBeShownYet(intent, Date.now())) throw unconfirmed(intent.name, LOOK_FOR_CREATED_MS);
    const isOurs = found && isIntended(found, intent) && !(await this.claimOf(run, view.remote.id, found));
    return isOurs ? this.recordOwned(run, view, found, 'created') : null;
  }

  private async giveUpCreation(run: RunContext, remote: RemoteGroup): Promise<RemoteGroup> {
    const givenUp = { createIntent: null, remoteNameKey: null };
    await this.leases.run(run.lease, (tx) => tx.manager.update(RemoteGroup, { id: remote.id }, givenUp));
    return { ...remote, ...givenUp };
  }

  /** @throws ProviderError while the creation may still be on its way */
  private async findIntended(run: RunContext, intent: CreateIntent): Promise<FoundGroup | undefined> {
    const inFlightForMs = intent.sentAt + CREATE_IN_FLIGHT_MS - Date.now();
    if (inFlightForMs > 0) throw unconfirmed(intent.name, inFlightForMs);
    const found = await run.connection.findGroups([intent.name], run.call);
    return found.get(run.provider.groupNameKey(intent.name));
  }

  private async create(
    run: RunContext,
    view: LoadedGroup & { remote: RemoteGroup },
    name: string,
  ): Promise<GroupWithRemote> {
    const { createIntent: earlier } = view.remote;
    const intent: CreateIntent = {
      name,
      description: descriptionOf(run, name),
      sentAt: Date.now(),
      since: earlier?.since ?? earlier?.sentAt,
    };
    await this.leases.run(run.lease, (tx) =>
      tx.manager.update(
        RemoteGroup,
        { id: view.remote.id },
        { createIntent: intent, remoteNameKey: run.provider.groupNameKey(name), state: 'syncing' },
      ),
    );
    const attempt = { sent: false };
    const assertMaySend = (): void => {
      run.call.assertMaySend();
      attempt.sent = true;
    };
    try {
      const created = await run.connection.createGroup(
        { name: intent.name, description: intent.description },
        { ...run.call, assertMaySend },
      );
      return await this.recordOwned(run, view, created, 'created');
    } catch (error) {
      if (!(error instanceof ProviderError)) {
        if (!attempt.sent) await this.restoreIntent(run, view.remote);
        throw error;
      }
      const refused = error.outcome === 'not-applied';
      // A refused attempt created nothing. An earlier attempt may still have created the remote group.
      const createIntent = refused ? earlier : { ...intent, sentAt: Date.now() };
      await this.leases.run(run.lease, (tx) =>
        tx.manager.update(RemoteGroup, { id: view.remote.id }, { createIntent }),
      );
      // The name is taken, but the target shows no group with it: that may be our own earlier creation.
      const mayBeOurs = earlier !== null && mayBeShownYet(earlier, Date.now());
      if (error.kind === 'conflict' && mayBeOurs) throw unconfirmed(name, LOOK_FOR_CREATED_MS);
      throw error;
    }
  }

  /** The creation was stopped before anything was sent: restores the previous intent. */
  private async restoreIntent(
    run: RunContext,
    { id, createIntent, remoteNameKey }: RemoteGroup,
  ): Promise<void> {
    await this.leases.run(run.lease, (tx) =>
      tx.manager.update(RemoteGroup, { id }, { createIntent, remoteNameKey }),
    );
  }

  private async adopt(
    run: RunContext,
    view: LoadedGroup & { remote: RemoteGroup },
    found: FoundGroup,
  ): Promise<GroupWithRemote> {
    const members = await run.connection.listMembers(found.id, run.call);
    const adopted = await this.recordOwned(run, view, found, 'adopted', async (tx) => {
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

  private async recordOwned(
    run: RunContext,
    view: LoadedGroup & { remote: RemoteGroup },
    found: FoundGroup,
    ownership: 'created' | 'adopted',
    also: (tx: Transaction) => Promise<void> = async () => undefined,
  ): Promise<GroupWithRemote> {
    const owned = {
      accountIdentity: run.accountIdentity,
      remoteId: found.id,
      remoteName: found.name,
      remoteNameKey: run.provider.groupNameKey(found.name),
      remoteUrl: found.url,
      ownership,
      createIntent: null,
      createdRemotelyAt: ownership === 'created' ? Date.now() : null,
      ...NO_PROBLEM,
    };
    await this.leases.run(run.lease, async (tx) => {
      const claim = await claimOn(tx, run.accountIdentity, found.id, view.remote.id);
      if (claim) throw blockedBy(claimObstacle(found.name, claim, run.integration.id));
      await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [view.remote.id]);
      await tx.manager.update(RemoteGroup, { id: view.remote.id }, owned);
      await also(tx);
      await this.audit.record(tx, run, [
        {
          action: `team.${ownership}`,
          target: { type: 'group', id: view.groupId },
          cause: view.change?.wholeCause,
          detail: { remoteId: found.id, name: found.name },
        },
      ]);
    });
    return { ...view, remote: { ...view.remote, ...owned } };
  }

  private claimOf(run: RunContext, remoteGroupId: string, found: FoundGroup) {
    return this.leases.run(run.lease, (tx) => claimOn(tx, run.accountIdentity, found.id, remoteGroupId));
  }

  private isBeingCreated({ provider, integration, lease }: RunContext, remoteGroupId: string, name: string) {
    const key = provider.groupNameKey(name);
    return this.leases.run(lease, (tx) => isBeingCreated(tx, integration.id, key, remoteGroupId));
  }
}

/** The columns of a group without a problem. */
export const NO_PROBLEM = {
  reason: null,
  message: null,
  attempts: 0,
  nextAttemptAt: null,
  notBefore: null,
  blockedMark: null,
} as const;

/** The remote group is new to us and may already contain members of the group: compare the whole group. */
export function comparedWhole<View extends LoadedGroup>(view: View): View {
  return { ...view, change: view.change && { ...view.change, whole: true } };
}

export function blockedBy({ reason, message }: Obstacle): GroupBlockedError {
  return new GroupBlockedError(reason, message);
}

function unconfirmed(name: string, retryAfterMs: number): ProviderError {
  return new ProviderError({
    kind: 'unavailable',
    outcome: 'unknown',
    reason: CREATION_UNCONFIRMED,
    message: unconfirmedMessage(name),
    remedy: 'Nothing needs to be done. Scimify checks in a moment.',
    retryAfterMs,
  });
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
