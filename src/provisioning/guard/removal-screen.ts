import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { deleteInThousands } from '../../database/bounded-delete';
import { chunksOf } from '../../database/chunks';
import { FOR_UPDATE, inList } from '../../database/dialect';
import { PAUSES_IN_TRANSACTION } from '../../database/keyset-slices';
import type { Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { logAfterCommit } from '../../integrations/integration-log';
import type { GuardPolicy } from '../../integrations/policies';
import {
  GUARD_WINDOW_MS,
  type GuardScope,
  LEAVER_MAY_WAIT_MS,
  screenDeletion,
  screenRemovals,
} from '../plan/mass-change-guard';
import type { Obstacle } from '../plan/new-group';
import { GuardEvent, HeldItem } from './guard.entities';
import { WHOLE_TEAM } from './recent-removals';
import { RemovalHistory, itemStates, joinTimes, membersHeldBy, takenOutAmong } from './removal-history';

/** A remote group with members to remove. */
export interface ScreenedGroup {
  integrationId: string;
  groupId: string;
  remoteGroupId: string;
  displayName: string;
  policy: GuardPolicy;
}

/**
 * Holds removals and deletions that are too many within an hour, until an admin decides. Works inside the
 * transaction that records the intent, so the count includes everything that it lets through.
 */
@Injectable()
export class RemovalScreen {
  /**
   * @param added remote users that join with the same change
   * @returns the removals that may go on; the others are held, or pinned by an earlier rejection
   */
  async removals(
    tx: Transaction,
    team: ScreenedGroup,
    remoteUserIds: readonly string[],
    added: readonly string[],
  ): Promise<string[]> {
    if (remoteUserIds.length === 0) return [];
    const joined = await countJoined(tx, team.remoteGroupId, added);
    const states = await itemStates(tx, team.groupId, remoteUserIds);
    const joinedAt = await joinTimes(tx, team.remoteGroupId, remoteUserIds);
    const counts = await historyOf(tx, team).counts(team, { removals: remoteUserIds.length, joined });
    const { allowed, held, scope } = screenRemovals(
      team.policy,
      {
        ...counts,
        teamMembers: counts.teamMembers - joined,
        teamJoined: joined,
        integrationMembers: counts.integrationMembers - joined,
      },
      states,
      remoteUserIds,
      joinedAt,
    );
    if (scope !== null) await hold(tx, team, scope, held);
    await recordEvents(
      tx,
      team,
      allowed.map((remoteUserId) => ({ remoteUserId, joinedAt: joinedAt.get(remoteUserId) ?? null })),
    );
    return allowed;
  }

  /** @returns why the deletion does not go on, or null; a deletion that was let through is not checked again */
  async deletion(tx: Transaction, team: ScreenedGroup): Promise<Obstacle | null> {
    const [remote] = await tx.query<{ letThroughAt: number | null }>(
      'SELECT letThroughAt FROM remote_group WHERE id = ?',
      [team.remoteGroupId],
    );
    if ((remote?.letThroughAt ?? null) !== null) return null;
    const state = (await itemStates(tx, team.groupId, [WHOLE_TEAM])).get(WHOLE_TEAM);
    const { obstacle, scope } = await screenDeletion(team.policy, state, async () => ({
      teamsDeleted: await historyOf(tx, team).teamsDeleted(),
      membersHeldBy: await membersHeldBy(tx, team.groupId),
    }));
    if (scope !== null) await hold(tx, team, scope, [WHOLE_TEAM]);
    if (obstacle) return obstacle;
    await recordEvents(tx, team, [{ remoteUserId: WHOLE_TEAM, joinedAt: null }]);
    await tx.query('UPDATE remote_group SET letThroughAt = ? WHERE id = ?', [Date.now(), team.remoteGroupId]);
    return null;
  }

  /** The IdP wants these members again: drops what was held, pinned or approved for them. */
  async wantedAgain(tx: Transaction, groupId: string, remoteUserIds: readonly string[]): Promise<void> {
    for await (const some of chunksOf(remoteUserIds)) {
      await tx.query(`DELETE FROM held_item WHERE groupId = ? AND subject IN (${inList(some)})`, [
        groupId,
        ...some,
      ]);
    }
  }
}

function historyOf(tx: Transaction, { integrationId, policy }: ScreenedGroup): RemovalHistory {
  return new RemovalHistory(tx, PAUSES_IN_TRANSACTION, integrationId, policy);
}

/** How many of these are members now and were not removed within the window. */
async function countJoined(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<number> {
  let joined = 0;
  for await (const some of chunksOf(remoteUserIds)) {
    const present = await tx.query<{ remoteUserId: string }>(
      `SELECT remoteUserId FROM remote_member
       WHERE remoteGroupId = ? AND state = 'present' AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
    const back = await takenOutAmong(tx, remoteGroupId, some);
    joined += present.filter(({ remoteUserId }) => !back.has(remoteUserId)).length;
  }
  return joined;
}

async function hold(
  tx: Transaction,
  team: ScreenedGroup,
  scope: GuardScope,
  subjects: readonly string[],
): Promise<void> {
  const { id, revision } = await openChange(tx, team, scope);
  const now = Date.now();
  await upsert(
    tx,
    HeldItem,
    subjects.map((subject) => ({
      groupId: team.groupId,
      subject,
      heldChangeId: id,
      integrationId: team.integrationId,
      state: 'held',
      revision,
      heldAt: now,
      lookAt: subject === WHOLE_TEAM ? null : now + LEAVER_MAY_WAIT_MS,
    })),
    { update: ['heldChangeId', 'state', 'revision'] },
  );
}

/** The held change that waits for an admin, at the new revision for what is added now. */
async function openChange(
  tx: Transaction,
  team: ScreenedGroup,
  scope: GuardScope,
): Promise<{ id: string; revision: number }> {
  const groupId = scope === 'team' ? team.groupId : null;
  // Locked: nothing may be added while an admin decides.
  const [open] = await tx.query<{ id: string; revision: number }>(
    `SELECT id, revision FROM held_change WHERE integrationId = ? AND decision IS NULL AND scope = ?
       AND ${groupId === null ? 'groupId IS NULL' : 'groupId = ?'}${FOR_UPDATE}`,
    [team.integrationId, scope, ...(groupId === null ? [] : [groupId])],
  );
  if (open) {
    const revision = open.revision + 1;
    await tx.query('UPDATE held_change SET revision = ? WHERE id = ?', [revision, open.id]);
    return { id: open.id, revision };
  }
  const id = uuid();
  await tx.query(
    `INSERT INTO held_change (id, integrationId, scope, groupId, message, createdAt, revision)
     VALUES (?, ?, ?, ?, ?, ?, 1)`,
    [id, team.integrationId, scope, groupId, messageOf(team, scope), Date.now()],
  );
  await logAfterCommit(tx, team.integrationId, {
    level: 'warn',
    event: 'held_change.opened',
    text: `holds ${scope === 'deletions' ? 'deletions of teams' : 'removals'} until an admin decides`,
    detail: { heldChangeId: id, scope },
  });
  return { id, revision: 1 };
}

function messageOf({ displayName }: ScreenedGroup, scope: GuardScope): string {
  const decide = 'Approve this change if it is intended, or reject it.';
  switch (scope) {
    case 'team':
      return `The identity provider removes most members from "${displayName}" within an hour. ${decide}`;
    case 'integration':
      return `The identity provider removes a large part of all members from their groups within an hour. ${decide}`;
    case 'deletions':
      return `The identity provider deletes many groups within an hour. ${decide}`;
  }
}

/** A member that is removed twice within the window counts once, with its first join time. */
async function recordEvents(
  tx: Transaction,
  team: ScreenedGroup,
  events: readonly { remoteUserId: string; joinedAt: number | null }[],
): Promise<void> {
  const now = Date.now();
  const { remoteGroupId, integrationId } = team;
  await upsert(
    tx,
    GuardEvent,
    events.map((event) => ({ remoteGroupId, integrationId, ...event, at: now })),
    { update: ['integrationId', 'joinedAt', 'at'] },
  );
  await deleteInThousands((work) => work(tx), 'guard_event', 'integrationId = ? AND at < ?', [
    integrationId,
    now - GUARD_WINDOW_MS,
  ]);
}
