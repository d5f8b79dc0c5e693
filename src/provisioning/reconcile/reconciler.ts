import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksOf } from '../../database/chunks';
import { inList, placeholders } from '../../database/dialect';
import { keysetSlices } from '../../database/keyset-slices';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Slice } from '../../event-loop/slice';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import { Suspensions } from '../../integrations/suspensions.service';
import { GROUP_GONE, GROUP_NOT_VISIBLE_YET } from '../../integrations/provider/provider-error';
import type { AccountSnapshot } from '../../integrations/provider/integration-provider';
import { NOT_VISIBLE_YET_MESSAGE } from '../apply/not-visible-yet';
import { offerFreedPlaces } from '../apply/places';
import { ProvisioningAudit } from '../apply/provisioning-audit';
import type { RunContext } from '../apply/run-context';
import { ShownAddresses } from '../apply/shown-addresses';
import { correctName, offerFreedNames } from '../apply/freed-names';
import { NO_PROBLEM } from '../apply/remote-groups';
import { type Tombstone, mayBeDeletedByUs } from '../plan/group-plan';
import { READS_LAG_MS, isJustCreated } from '../plan/just-created';
import { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';
import { Leases } from '../schedule/lease';
import { flaggedLinks } from '../state/flagged-links';
import { RemoteGroup } from '../state/remote-group.entity';
import { forgetFailures } from '../state/waiting-groups';
import {
  type GroupDrift,
  type KnownGroup,
  type SeenGroup,
  driftOf,
  sureDrift,
  visibilityLost,
} from './drift';
import { knownGroup } from './known-group';
import { DriftLedger, type FoundDrift, NO_GROUP, addressChanged, renamedByHand } from './drift-ledger';
import { LinkedPeople } from './linked-people';
import { confirmMissing } from './missing-groups';

export type ReconciliationResult =
  /** @param leftOut whether a recently written remote group was skipped and may differ from the record */
  | { kind: 'complete'; leftOut: boolean }
  /**
   * @param teamsTold whether the state of every remote group is known; passes: whether the problem may pass in a
   * moment
   */
  | { kind: 'incomplete'; problem: SnapshotProblem; passes: boolean; teamsTold: boolean; leftOut: boolean }
  /** The integration is now suspended. */
  | { kind: 'visibility-lost'; problem: SnapshotProblem };

export interface SnapshotProblem {
  reason: string;
  message: string;
}

interface ClaimedGroup extends Tombstone {
  id: string;
  groupId: string;
  remoteId: string;
  remoteName: string;
  writeSeq: number;
  createdRemotelyAt: number | null;
}

/** A group that may not have a remote group yet. */
type RemoteGroupRow = Omit<ClaimedGroup, 'remoteId'> & { remoteId: string | null };

function isClaimed(group: RemoteGroupRow): group is ClaimedGroup {
  return group.remoteId !== null;
}

/**
 * Reads the target and corrects the record. It changes nothing in the target: it marks a group with drift, and the
 * engine compares and repairs that group as after any other change.
 */
@Injectable()
export class Reconciler {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
    private readonly people: LinkedPeople,
    private readonly shown: ShownAddresses,
    private readonly suspensions: Suspensions,
    private readonly ledger: DriftLedger,
    private readonly audit: ProvisioningAudit,
  ) {}

  /**
   * @param acceptMissing an admin confirmed that the missing remote groups were really deleted
   * @throws ProviderError that concerns the account, LeaseLostError
   */
  async reconcile(run: RunContext, acceptMissing: boolean): Promise<ReconciliationResult> {
    const startedAt = Date.now();
    const before = await this.claimedGroups(run.integration.id);
    const call = { ...run.call, priority: 'reconcile' as const };
    const remoteIds = new Set(before.map(({ remoteId }) => remoteId));
    const addresses = new Map<string, string>();
    const snapshot = await run.connection.snapshot(remoteIds, call, (shown) => {
      for (const [remoteUserId, address] of shown) addresses.set(remoteUserId, address);
    });
    const claimed = stillClaimed(before, await this.claimedGroups(run.integration.id));
    const isUnseen = ({ remoteId }: ClaimedGroup): boolean =>
      snapshot.groups.get(remoteId) === null || snapshot.hidden.has(remoteId);
    const groups = claimed.filter((group) => !isUnseen(group) || !isJustCreated(group, startedAt));
    const missing = groups.filter(isUnseen);
    if (!acceptMissing && visibilityLost('teams', missing.length, groups.length)) {
      return {
        kind: 'visibility-lost',
        problem: await this.suspend(run, 'teams', missing.length, groups.length),
      };
    }
    const people = await this.people.compare(run.integration.id, snapshot, startedAt);
    if (!acceptMissing && visibilityLost('people', people.missing, people.linked)) {
      const problem = await this.suspend(run, 'people', people.missing, people.linked);
      return { kind: 'visibility-lost', problem };
    }
    await this.people.forget(run, people.gone);
    await this.shown.compare(run, { addresses, askedAt: startedAt });
    await this.recordDifferingAddresses(run, startedAt);
    // Only a few at this point: for many, the integration is suspended, or an admin has accepted that each is
    // created again.
    const unlisted = missing.map(({ remoteId }) => remoteId).filter((id) => !snapshot.hidden.has(id));
    const confirmed = await confirmMissing(run.connection, unlisted, call);
    const slice = new Slice();
    let leftOut = false;
    for (const group of groups) {
      if (slice.isOver) await slice.next();
      const seen = snapshot.groups.get(group.remoteId);
      if (seen === undefined || (seen === null && !confirmed.gone.has(group.remoteId))) continue;
      const looked = await this.correct(run, group, seen, snapshot.unknownUserIds, startedAt);
      if (looked === 'left-out') leftOut = true;
    }
    const complete = {
      ...snapshot.complete,
      groups: snapshot.complete.groups && confirmed.gone.size === unlisted.length,
    };
    const failures = [...snapshot.failures, ...confirmed.failures];
    return resultOf({ complete, failures }, { allShown: groups.length === claimed.length, leftOut });
  }

  /**
   * Without the ones that a deletion of ours may have removed: their absence says nothing about the credential.
   */
  private async claimedGroups(integrationId: string): Promise<ClaimedGroup[]> {
    const claimed: ClaimedGroup[] = [];
    const slices = keysetSlices<RemoteGroupRow>(new Slice(), (last, limit) =>
      this.reader.query(
        `SELECT id, groupId, remoteId, remoteName, writeSeq, lastWriteAt, createdRemotelyAt, deletingSince, state, reason
         FROM remote_group WHERE integrationId = ? AND groupId > ? ORDER BY groupId LIMIT ?`,
        [integrationId, last?.groupId ?? '', limit],
      ),
    );
    for await (const groups of slices) {
      for (const group of groups) if (isClaimed(group) && !mayBeDeletedByUs(group)) claimed.push(group);
    }
    return claimed;
  }

  /**
   * Skips a group that was written shortly before or during the scan, except for missing members that were not
   * written: in a busy integration some groups are written at every look. A missing group is not skipped either:
   * no write creates a group that has existed unseen.
   *
   * @returns `left-out` for a skipped group that may differ from the record
   */
  private async correct(
    run: RunContext,
    group: ClaimedGroup,
    seen: SeenGroup | null,
    unknownUserIds: ReadonlySet<string>,
    startedAt: number,
  ): Promise<'done' | 'left-out'> {
    if (seen !== null && group.deletingSince !== null) return 'done';
    const isJustWritten = Number(group.lastWriteAt ?? 0) > startedAt - READS_LAG_MS;
    return this.leases.run(run.lease, async (tx) => {
      const current = await tx.manager.findOneBy(RemoteGroup, { id: group.id });
      if (current?.remoteId !== group.remoteId) return 'done';
      // A write that got "not found" confirms that the remote group is missing.
      const isConfirmed = seen === null && current.reason === GROUP_GONE;
      const isWritten = current.writeSeq !== group.writeSeq;
      const integrationId = run.integration.id;
      if (seen === null) {
        if (isWritten && !isConfirmed) return 'left-out';
        await this.forgetRemoteGroup(tx, run, group, startedAt);
        return 'done';
      }
      const known = await knownGroup(tx, group);
      const drift = driftOf(known, seen, unknownUserIds);
      const isBusy = isJustWritten || isWritten;
      const sure = isBusy ? sureDrift(drift, known.members, startedAt - READS_LAG_MS) : drift;
      const { unmanagedMembers } = run.integration.policies;
      await adjust(tx, run, group, known, sure);
      await this.ledger.record(tx, integrationId, describe(group, sure, unmanagedMembers), startedAt);
      if (seen.membersComplete && !isBusy) {
        await this.ledger.clearUnseen(tx, integrationId, group.groupId, startedAt);
      }
      const unmanagedLeave = unmanagedMembers === 'remove' && sure.unmanaged.length > 0;
      // The members that left may be all that a held change was about.
      const left = sure.gone.some((id) => known.members.get(id)?.managed);
      const differs =
        sure.renamedTo !== null || sure.missing.length + sure.extra.length > 0 || left || unmanagedLeave;
      if (differs) await this.marks.markWhole(tx, integrationId, [group.groupId]);
      if (!isBusy) return 'done';
      // Recorded drift may also be over.
      const onRecord = await this.ledger.count(tx, integrationId, group.groupId);
      const isAsKnown = isNothingNew(drift) && onRecord === describe(group, drift, unmanagedMembers).length;
      return isAsKnown ? 'done' : 'left-out';
    });
  }

  /**
   * The engine creates the remote group again with all its members; for a deleted group there is nothing left to
   * release.
   */
  private async forgetRemoteGroup(
    tx: Transaction,
    run: RunContext,
    { id, groupId, remoteId, remoteName, deletingSince }: ClaimedGroup,
    startedAt: number,
  ): Promise<void> {
    const integrationId = run.integration.id;
    await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [id]);
    const nothing = {
      remoteId: null,
      remoteName: null,
      remoteNameKey: null,
      remoteUrl: null,
      ownership: null,
    };
    await tx.manager.update(RemoteGroup, { id }, { ...nothing, ...NO_PROBLEM });
    // A new remote group may accept members that the old one refused.
    await forgetFailures(tx, integrationId, groupId);
    await offerFreedNames(tx, run, remoteName);
    const found: FoundDrift = {
      groupId,
      kind: 'team_missing',
      subject: '',
      message: `The team "${remoteName}" was deleted in the target. Scimify creates it again.`,
      repaired: true,
    };
    if (deletingSince === null) await this.ledger.record(tx, integrationId, [found], startedAt);
    await this.marks.markWhole(tx, integrationId, [groupId]);
    await this.audit.record(tx, run, [
      {
        action: 'team.vanished',
        target: { type: 'group', id: groupId },
        outcome: 'failed',
        detail: { remoteId },
      },
    ]);
  }

  /** Flagged links appear in the drift for as long as they are flagged. */
  private async recordDifferingAddresses(
    { integration, lease }: RunContext,
    startedAt: number,
  ): Promise<void> {
    for (const flag of [EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED] as const) {
      for await (const links of flaggedLinks(this.reader, new Slice(), integration.id, flag)) {
        const found = links.flatMap(({ remoteUserId, message, attempts, active }) =>
          // The next look-up may repair it.
          active
            ? [addressChanged(flag, remoteUserId, message ?? '', flag === EMAIL_DIFFERS && attempts === 0)]
            : [],
        );
        await this.leases.run(lease, (tx) => this.ledger.record(tx, integration.id, found, Date.now()));
      }
    }
    await this.leases.run(lease, (tx) => this.ledger.clearUnseen(tx, integration.id, NO_GROUP, startedAt));
  }

  private async suspend(
    run: RunContext,
    of: 'teams' | 'people',
    missing: number,
    all: number,
  ): Promise<SnapshotProblem> {
    const problem = {
      reason: VISIBILITY_LOST,
      message:
        `The credential no longer sees ${missing} of ${all} ${of}. If it lost its rights, restore them and reconcile. ` +
        'If they were really deleted, reconcile with acceptMissingTeams ' +
        `to ${of === 'teams' ? 'create them again' : 'go on without them'}.`,
    };
    // Stops the writes in progress: their record may describe remote groups that belong to other groups by now.
    run.watch.outdate();
    await this.leases.run(run.lease, (tx) =>
      this.suspensions.suspend(tx, run.integration.id, { ...problem, nextProbeAt: null }),
    );
    return problem;
  }
}

/** Without the ones that were released while the target was read. */
function stillClaimed(before: readonly ClaimedGroup[], after: readonly ClaimedGroup[]): ClaimedGroup[] {
  const claimed = new Set(after.map(({ remoteId }) => remoteId));
  return before.filter(({ remoteId }) => claimed.has(remoteId));
}

/** A known unmanaged member may still be there. */
function isNothingNew({ renamedTo, missing, gone, extra }: GroupDrift): boolean {
  return renamedTo === null && missing.length + gone.length + extra.length === 0;
}

/** @param allShown whether no remote group was skipped because the target may not show it yet */
function resultOf(
  { complete, failures }: Pick<AccountSnapshot, 'complete' | 'failures'>,
  { allShown, leftOut }: { allShown: boolean; leftOut: boolean },
): ReconciliationResult {
  if (complete.groups && complete.members && allShown) return { kind: 'complete', leftOut };
  const passing = failures.find(({ isTransient }) => isTransient);
  const cause = passing ?? (allShown ? failures[0] : undefined);
  return {
    kind: 'incomplete',
    problem: cause ? { reason: cause.reason, message: cause.explanation } : NOT_SHOWN_YET,
    passes: passing !== undefined || cause === undefined,
    teamsTold: complete.groups && allShown,
    leftOut,
  };
}

const NOT_SHOWN_YET: SnapshotProblem = {
  reason: GROUP_NOT_VISIBLE_YET,
  message: `${NOT_VISIBLE_YET_MESSAGE} Nothing needs to be done. Scimify looks again.`,
};

/** Changes the record of the group to what was seen. */
async function adjust(
  tx: Transaction,
  run: RunContext,
  group: ClaimedGroup,
  { members }: KnownGroup,
  drift: GroupDrift,
): Promise<void> {
  const { id: remoteGroupId } = group;
  if (drift.renamedTo !== null) await correctName(tx, run, group, drift.renamedTo);
  const wereBefore = (id: string) => members.get(id)!.preexisting;
  const putBack = drift.missing.filter(wereBefore);
  for await (const some of chunksOf(putBack)) {
    // Keeps the row: it remembers that the member was there before the group was ours.
    await tx.query(
      `UPDATE remote_member SET state = 'adding', nextAttemptAt = ?
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [Date.now(), remoteGroupId, ...some],
    );
  }
  const leftBehind = drift.missing.filter((id) => !wereBefore(id));
  for await (const some of chunksOf([...leftBehind, ...drift.gone])) {
    await tx.query(
      `DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
  }
  // Missing members are added back, so their places are not free.
  if (drift.gone.length > 0) await offerFreedPlaces(tx, remoteGroupId, drift.gone.length);
  for await (const some of chunksOf(drift.extra)) {
    await tx.query(
      `INSERT INTO remote_member (remoteGroupId, remoteUserId, state, managed, preexisting, attempts)
       VALUES ${placeholders(some.length, 6)}`,
      some.flatMap((remoteUserId) => [remoteGroupId, remoteUserId, 'present', 0, 0, 0]),
    );
  }
}

function describe(group: ClaimedGroup, drift: GroupDrift, unmanagedMembers: 'keep' | 'remove'): FoundDrift[] {
  const { groupId } = group;
  const verb = unmanagedMembers === 'remove' ? 'removes' : 'keeps';
  return [
    ...(drift.renamedTo === null ? [] : [renamedByHand(group, drift.renamedTo)]),
    ...drift.missing.map((subject) => ({
      groupId,
      kind: 'member_missing' as const,
      subject,
      message: 'A member was removed from the team in the target. Scimify adds the member again.',
      repaired: true,
    })),
    ...drift.unmanaged.map((subject) => ({
      groupId,
      kind: 'member_extra' as const,
      subject,
      message: `The team has a member that the identity provider never put into the group. Scimify ${verb} the member.`,
      repaired: unmanagedMembers === 'remove',
    })),
  ];
}
