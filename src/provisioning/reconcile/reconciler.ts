import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksOf } from '../../database/chunks';
import { inList, placeholders } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { Integrations } from '../../integrations/integrations.service';
import { VISIBILITY_LOST } from '../../integrations/suspension-reasons';
import type { AccountSnapshot } from '../../integrations/provider/integration-provider';
import type { RunContext } from '../apply/run-context';
import { Leases } from '../schedule/lease';
import { RemoteGroup } from '../state/remote-group.entity';
import type { RemoteMemberState } from '../state/remote-member.entity';
import { type GroupDrift, type KnownGroup, type SeenGroup, driftOf, visibilityLost } from './drift';
import { DriftLedger, type FoundDrift } from './drift-ledger';

/** The target's reads may lag its writes by so long. */
const READS_LAG_MS = 120_000;

interface ClaimedGroup {
  id: string;
  groupId: string;
  remoteId: string;
  remoteName: string;
  writeSeq: number;
  lastWriteAt: number | null;
}

/**
 * Looks at what the target has and corrects what we know of it. It changes nothing in the target: a group in which
 * something differs is marked, and the engine compares and repairs it as after any other change.
 */
@Injectable()
export class Reconciler {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
    private readonly integrations: Integrations,
    private readonly ledger: DriftLedger,
  ) {}

  /**
   * @param acceptMissing an admin said that missing teams were really deleted
   * @throws ProviderError that concerns the account, LeaseLostError
   */
  async reconcile(run: RunContext, acceptMissing: boolean): Promise<void> {
    const startedAt = Date.now();
    const groups = await this.claimedGroups(run.integration.id);
    const snapshot = await run.connection.snapshot(new Set(groups.map(({ remoteId }) => remoteId)), {
      ...run.call,
      priority: 'reconcile',
    });
    const missing = groups.filter(({ remoteId }) => snapshot.groups.get(remoteId) === null);
    if (!acceptMissing && visibilityLost(missing.length, groups.length)) {
      await this.suspend(run, missing.length, groups.length);
      return;
    }
    await this.forgetUsersWhoAreGone(run, snapshot);
    for (const group of groups) {
      const seen = snapshot.groups.get(group.remoteId);
      if (seen === undefined) continue;
      await this.correct(run, group, seen, snapshot.unknownUserIds, startedAt);
    }
  }

  private claimedGroups(integrationId: string): Promise<ClaimedGroup[]> {
    return this.reader.query<ClaimedGroup[]>(
      `SELECT id, groupId, remoteId, remoteName, writeSeq, lastWriteAt FROM remote_group
       WHERE integrationId = ? AND remoteId IS NOT NULL AND deletingSince IS NULL ORDER BY id`,
      [integrationId],
    );
  }

  /** A group that was written since the scan began, or shortly before, is left for the next time. */
  private async correct(
    run: RunContext,
    group: ClaimedGroup,
    seen: SeenGroup | null,
    unknownUserIds: ReadonlySet<string>,
    startedAt: number,
  ): Promise<void> {
    if (Number(group.lastWriteAt ?? 0) > startedAt - READS_LAG_MS) return;
    await this.leases.run(run.lease, async (tx) => {
      const current = await tx.manager.findOneBy(RemoteGroup, { id: group.id });
      if (current?.writeSeq !== group.writeSeq || current.remoteId !== group.remoteId) return;
      const integrationId = run.integration.id;
      if (seen === null) {
        await this.forgetTeam(tx, integrationId, group, startedAt);
        return;
      }
      const known: KnownGroup = { remoteName: group.remoteName, members: await knownMembers(tx, group.id) };
      const drift = driftOf(known, seen, unknownUserIds);
      await adjust(tx, group.id, drift);
      const { unmanagedMembers } = run.integration.policies;
      const found = describe(group, drift, unmanagedMembers);
      await this.ledger.record(tx, integrationId, found, startedAt);
      if (seen.membersComplete) await this.ledger.clearUnseen(tx, integrationId, group.groupId, startedAt);
      const strangersLeave = unmanagedMembers === 'remove' && drift.strangers.length > 0;
      const differs =
        drift.renamedTo !== null || drift.missing.length + drift.extra.length > 0 || strangersLeave;
      if (differs) await this.marks.mark(tx, integrationId, new Map([[group.groupId, []]]), true);
    });
  }

  /** The team is made again, with everybody who belongs into it. */
  private async forgetTeam(
    tx: Transaction,
    integrationId: string,
    group: ClaimedGroup,
    startedAt: number,
  ): Promise<void> {
    await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ?', [group.id]);
    await tx.query(
      `UPDATE remote_group SET remoteId = NULL, remoteName = NULL, remoteNameKey = NULL, remoteUrl = NULL,
         ownership = NULL WHERE id = ?`,
      [group.id],
    );
    await this.ledger.record(
      tx,
      integrationId,
      [
        {
          groupId: group.groupId,
          kind: 'team_missing',
          subject: '',
          message: `The team "${group.remoteName}" was deleted in the target; it is made again.`,
          repaired: true,
        },
      ],
      startedAt,
    );
    await this.marks.mark(tx, integrationId, new Map([[group.groupId, []]]), true);
  }

  /** Whoever is linked to a person that the target no longer has is looked up afresh. */
  private async forgetUsersWhoAreGone(run: RunContext, { users }: AccountSnapshot): Promise<void> {
    if (users === null) return;
    const links = await this.reader.query<{ userId: string; remoteUserId: string }[]>(
      'SELECT userId, remoteUserId FROM remote_user WHERE integrationId = ? AND remoteUserId IS NOT NULL',
      [run.integration.id],
    );
    const gone = links.filter(({ remoteUserId }) => !users.has(remoteUserId));
    for await (const some of chunksOf(gone)) {
      await this.leases.run(run.lease, async (tx) => {
        const userIds = some.map(({ userId }) => userId);
        await tx.query(
          `UPDATE remote_user SET remoteUserId = NULL, state = 'not_found', reason = 'user_gone',
             message = 'The person is not in the target any more.', attempts = 0, pinned = 0, nextCheckAt = ?
           WHERE userId IN (${inList(userIds)})`,
          [Date.now(), ...userIds],
        );
        const pairs = await tx.query<{ groupId: string; userId: string }>(
          `SELECT groupId, userId FROM group_member WHERE integrationId = ? AND userId IN (${inList(userIds)})`,
          [run.integration.id, ...userIds],
        );
        const byGroup = new Map<string, string[]>();
        for (const { groupId, userId } of pairs)
          byGroup.set(groupId, [...(byGroup.get(groupId) ?? []), userId]);
        await this.marks.mark(tx, run.integration.id, byGroup);
      });
    }
  }

  private async suspend(run: RunContext, missing: number, all: number): Promise<void> {
    await this.leases.run(run.lease, (tx) =>
      this.integrations.suspend(tx, run.integration.id, {
        reason: VISIBILITY_LOST,
        message:
          `${missing} of ${all} teams are not to be seen any more. If the credential lost sight of them, give it back its ` +
          'rights; if they were really deleted, reconcile with acceptMissingTeams to have them made again.',
        nextProbeAt: null,
      }),
    );
  }
}

interface MemberRow {
  remoteUserId: string;
  state: RemoteMemberState;
  managed: number;
  preexisting: number;
}

async function knownMembers(tx: Transaction, remoteGroupId: string): Promise<KnownGroup['members']> {
  const rows = await tx.query<MemberRow>(
    'SELECT remoteUserId, state, managed, preexisting FROM remote_member WHERE remoteGroupId = ?',
    [remoteGroupId],
  );
  return new Map(
    rows.map(({ remoteUserId, state, managed, preexisting }) => [
      remoteUserId,
      { state, managed: Boolean(managed), preexisting: Boolean(preexisting) },
    ]),
  );
}

/** What we know of the group becomes what was seen. */
async function adjust(tx: Transaction, remoteGroupId: string, drift: GroupDrift): Promise<void> {
  if (drift.renamedTo !== null) {
    await tx.query('UPDATE remote_group SET remoteName = ? WHERE id = ?', [drift.renamedTo, remoteGroupId]);
  }
  for await (const some of chunksOf([...drift.missing, ...drift.gone])) {
    await tx.query(
      `DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
  }
  for await (const some of chunksOf(drift.extra)) {
    await tx.query(
      `INSERT INTO remote_member (remoteGroupId, remoteUserId, state, managed, preexisting, attempts)
       VALUES ${placeholders(some.length, 6)}`,
      some.flatMap((remoteUserId) => [remoteGroupId, remoteUserId, 'present', 0, 0, 0]),
    );
  }
}

function describe(
  { groupId, remoteName }: ClaimedGroup,
  drift: GroupDrift,
  unmanagedMembers: 'keep' | 'remove',
): FoundDrift[] {
  const strangers = unmanagedMembers === 'remove' ? 'they are removed' : 'they are left alone';
  return [
    ...(drift.renamedTo === null
      ? []
      : [
          {
            groupId,
            kind: 'team_renamed' as const,
            subject: '',
            message: `The team "${remoteName}" was renamed to "${drift.renamedTo}" in the target; it gets its name back.`,
            repaired: true,
          },
        ]),
    ...drift.missing.map((subject) => ({
      groupId,
      kind: 'member_missing' as const,
      subject,
      message: 'A member was taken out of the team in the target; they are put back.',
      repaired: true,
    })),
    ...drift.strangers.map((subject) => ({
      groupId,
      kind: 'member_extra' as const,
      subject,
      message: `Somebody is in the team whom the identity provider never put into the group; ${strangers}.`,
      repaired: unmanagedMembers === 'remove',
    })),
  ];
}
