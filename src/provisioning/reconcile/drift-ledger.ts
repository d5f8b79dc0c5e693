import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import type { LinkFlag } from '../state/flagged-links';
import type { DriftKind } from './drift';
import { Drift } from './drift.entity';

/** Characters that `drift.message` takes. */
const MESSAGE_LENGTH = 1_000;

/** The group of drift that is about a remote user in any group. */
export const NO_GROUP = '';

export interface FoundDrift {
  /** Or `NO_GROUP`. */
  groupId: string;
  kind: DriftKind;
  /** Remote user; empty for drift of the remote group itself. */
  subject: string;
  message: string;
  repaired: boolean;
}

/** A remote group of ours has another name than the recorded one. */
export function renamedByHand(
  { groupId, remoteName }: { groupId: string; remoteName: string | null },
  renamedTo: string,
): FoundDrift {
  return {
    groupId,
    kind: 'team_renamed',
    subject: '',
    message: `The team "${remoteName}" was renamed to "${renamedTo}" in the target. Scimify restores the name.`,
    repaired: true,
  };
}

/** A linked remote user has another address than its IdP user. */
export function addressChanged(
  kind: LinkFlag,
  remoteUserId: string,
  message: string,
  repaired: boolean,
): FoundDrift {
  return {
    groupId: NO_GROUP,
    kind,
    subject: remoteUserId,
    message: message.slice(0, MESSAGE_LENGTH),
    repaired,
  };
}

export interface DriftRow extends FoundDrift {
  id: string;
  displayName: string | null;
  since: number;
}

/** The drift that reconciliation found, and since when. */
@Injectable()
export class DriftLedger {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  async record(
    tx: Transaction,
    integrationId: string,
    found: readonly FoundDrift[],
    seenAt: number,
  ): Promise<void> {
    await upsert(
      tx,
      Drift,
      found.map((drift) => ({ id: uuid(), integrationId, ...drift, since: seenAt, seenAt })),
      { key: ['integrationId', 'groupId', 'kind', 'subject'], update: ['message', 'seenAt', 'repaired'] },
    );
  }

  /** After a complete look at a group, or at all remote users: drift that was not seen again is over. */
  async clearUnseen(tx: Transaction, integrationId: string, groupId: string, seenAt: number): Promise<void> {
    await tx.query('DELETE FROM drift WHERE integrationId = ? AND groupId = ? AND seenAt < ?', [
      integrationId,
      groupId,
      seenAt,
    ]);
  }

  /** @returns the number of recorded drifts of the group */
  async count(tx: Transaction, integrationId: string, groupId: string): Promise<number> {
    const [row] = await tx.query<{ found: number }>(
      'SELECT COUNT(*) AS found FROM drift WHERE integrationId = ? AND groupId = ?',
      [integrationId, groupId],
    );
    return Number(row!.found);
  }

  list(integrationId: string, after: string, limit: number): Promise<DriftRow[]> {
    return this.reader
      .query<DriftRow[]>(
        `SELECT d.id AS id, d.groupId AS groupId, d.kind AS kind, d.subject AS subject, d.message AS message,
                d.since AS since, d.repaired AS repaired, g.displayName AS displayName
         FROM drift d LEFT JOIN scim_group g ON g.id = d.groupId
         WHERE d.integrationId = ? AND d.id > ? ORDER BY d.id LIMIT ?`,
        [integrationId, after, limit],
      )
      .then((rows) =>
        rows.map((row) => ({ ...row, since: Number(row.since), repaired: Boolean(row.repaired) })),
      );
  }
}
