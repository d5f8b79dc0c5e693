import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { chunksOf } from '../../database/chunks';
import { inList, placeholders, upsertSql } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { GuardPolicy } from '../../integrations/policies';
import {
  GUARD_WINDOW_MS,
  type GuardScope,
  type RemovalCounts,
  guardDeletion,
  guardRemovals,
} from '../plan/mass-change-guard';
import type { HeldItemState } from './guard.entities';

export const HELD_REASON = 'mass_change_held';
export const HELD_MESSAGE =
  'The identity provider removes so much at once that an admin has to agree first: approve or reject the held change.';

/** A team in which people are to be removed. */
export interface ScreenedTeam {
  integrationId: string;
  groupId: string;
  remoteGroupId: string;
  displayName: string;
  policy: GuardPolicy;
}

/**
 * Holds back removals and deletions that are too many within an hour, for an admin to decide. Works inside the
 * transaction that records what is intended, so that what is let through is counted with it.
 */
@Injectable()
export class RemovalScreen {
  /** @returns those that may be carried out; the others are held, or pinned by an earlier rejection */
  async removals(tx: Transaction, team: ScreenedTeam, remoteUserIds: readonly string[]): Promise<string[]> {
    if (remoteUserIds.length === 0) return [];
    const states = await itemStates(tx, team.groupId, remoteUserIds);
    const approved = remoteUserIds.filter((id) => states.get(id) === 'approved');
    const fresh = remoteUserIds.filter((id) => !states.has(id));
    const scope = guardRemovals(team.policy, await countsOf(tx, team), fresh.length);
    // Past a threshold everything of that scope that is not sent yet waits.
    const allowed = scope === null ? [...approved, ...fresh] : approved;
    if (scope !== null) await hold(tx, team, scope, fresh);
    await recordEvents(tx, team, 'removal', allowed.length);
    return allowed;
  }

  /** @returns false when the deletion is held or pinned */
  async deletion(tx: Transaction, team: ScreenedTeam): Promise<boolean> {
    const state = (await itemStates(tx, team.groupId, [''])).get('');
    if (state === 'held' || state === 'pinned') return false;
    if (state === undefined) {
      const since = Date.now() - GUARD_WINDOW_MS;
      const [row] = await tx.query<{ deleted: number }>(
        "SELECT COUNT(*) AS deleted FROM guard_event WHERE integrationId = ? AND at > ? AND kind = 'deletion'",
        [team.integrationId, since],
      );
      if (guardDeletion(team.policy, Number(row?.deleted ?? 0))) {
        await hold(tx, team, 'deletions', ['']);
        return false;
      }
    }
    await recordEvents(tx, team, 'deletion', 1);
    return true;
  }

  /** What is wanted in the team again is no longer held, pinned or approved to go. */
  async wantedAgain(tx: Transaction, groupId: string, remoteUserIds: readonly string[]): Promise<void> {
    for await (const some of chunksOf(remoteUserIds)) {
      await tx.query(`DELETE FROM held_item WHERE groupId = ? AND subject IN (${inList(some)})`, [
        groupId,
        ...some,
      ]);
    }
  }
}

async function itemStates(
  tx: Transaction,
  groupId: string,
  subjects: readonly string[],
): Promise<Map<string, HeldItemState>> {
  const rows = await tx.query<{ subject: string; state: HeldItemState }>(
    `SELECT subject, state FROM held_item WHERE groupId = ? AND subject IN (${inList(subjects)})`,
    [groupId, ...subjects],
  );
  return new Map(rows.map(({ subject, state }) => [subject, state]));
}

async function countsOf(tx: Transaction, team: ScreenedTeam): Promise<RemovalCounts> {
  const since = Date.now() - GUARD_WINDOW_MS;
  const events = await tx.query<{ remoteGroupId: string; removed: number }>(
    `SELECT remoteGroupId, COUNT(*) AS removed FROM guard_event
     WHERE integrationId = ? AND at > ? AND kind = 'removal' GROUP BY remoteGroupId`,
    [team.integrationId, since],
  );
  const members = await tx.query<{ remoteGroupId: string; members: number }>(
    `SELECT m.remoteGroupId AS remoteGroupId, COUNT(*) AS members FROM remote_member m
     JOIN remote_group g ON g.id = m.remoteGroupId
     WHERE g.integrationId = ? AND m.state <> 'removing' GROUP BY m.remoteGroupId`,
    [team.integrationId],
  );
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  const ofTeam = (row: { remoteGroupId: string }) => row.remoteGroupId === team.remoteGroupId;
  return {
    teamMembers: Number(members.find(ofTeam)?.members ?? 0),
    teamRemoved: Number(events.find(ofTeam)?.removed ?? 0),
    integrationMembers: sum(members.map((row) => Number(row.members))),
    integrationRemoved: sum(events.map((row) => Number(row.removed))),
  };
}

async function hold(
  tx: Transaction,
  team: ScreenedTeam,
  scope: GuardScope | 'deletions',
  subjects: readonly string[],
): Promise<void> {
  const groupId = scope === 'team' ? team.groupId : null;
  const [open] = await tx.query<{ id: string }>(
    `SELECT id FROM held_change WHERE integrationId = ? AND decision IS NULL AND scope = ?
       AND ${groupId === null ? 'groupId IS NULL' : 'groupId = ?'}`,
    [team.integrationId, scope, ...(groupId === null ? [] : [groupId])],
  );
  const id = open?.id ?? uuid();
  if (!open) {
    await tx.query(
      'INSERT INTO held_change (id, integrationId, scope, groupId, message, createdAt) VALUES (?, ?, ?, ?, ?, ?)',
      [id, team.integrationId, scope, groupId, messageOf(team, scope), Date.now()],
    );
  }
  for await (const some of chunksOf(subjects)) {
    await tx.query(
      upsertSql({
        table: 'held_item',
        columns: ['groupId', 'subject', 'heldChangeId', 'integrationId', 'state'],
        key: ['groupId', 'subject'],
        update: ['heldChangeId', 'state'],
        rows: some.length,
      }),
      some.flatMap((subject) => [team.groupId, subject, id, team.integrationId, 'held']),
    );
  }
}

function messageOf({ displayName }: ScreenedTeam, scope: GuardScope | 'deletions'): string {
  const decide = 'Approve them if the identity provider means it, or reject them.';
  switch (scope) {
    case 'team':
      return `The identity provider takes most members out of "${displayName}" within an hour. ${decide}`;
    case 'integration':
      return `The identity provider takes a large part of all members out of their groups within an hour. ${decide}`;
    case 'deletions':
      return `The identity provider deletes many groups within an hour. ${decide}`;
  }
}

async function recordEvents(
  tx: Transaction,
  team: ScreenedTeam,
  kind: 'removal' | 'deletion',
  count: number,
): Promise<void> {
  const now = Date.now();
  const rows = Array.from({ length: count }, () => [
    uuid(),
    team.integrationId,
    team.remoteGroupId,
    kind,
    now,
  ]);
  for await (const some of chunksOf(rows)) {
    await tx.query(
      `INSERT INTO guard_event (id, integrationId, remoteGroupId, kind, at) VALUES ${placeholders(some.length, 5)}`,
      some.flat(),
    );
  }
  await tx.query('DELETE FROM guard_event WHERE integrationId = ? AND at < ?', [
    team.integrationId,
    now - GUARD_WINDOW_MS,
  ]);
}
