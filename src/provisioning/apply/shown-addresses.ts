import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksOf, chunksToRead } from '../../database/chunks';
import { FOR_UPDATE, inList, throughIndex } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import {
  OLDEST_ANSWER_MS,
  type ShownAddressPlan,
  type ShownLink,
  addressKey,
  planShownAddress,
} from '../plan/link-plan';
import { type FoundDrift, DriftLedger, addressChanged } from '../reconcile/drift-ledger';
import { Leases } from '../schedule/lease';
import { writeShownAddresses } from '../state/remote-links';
import type { RunContext } from './run-context';

/** Addresses of remote users that the target showed in any response. */
export interface AddressesSeen {
  /** By remote user. */
  addresses: ReadonlyMap<string, string>;
  /**
   * When the first of them was requested, in epoch milliseconds. For a link that is newer than that, they may be
   * outdated.
   */
  askedAt: number;
  /** Users whose look-up has just returned these addresses: their links are decided. */
  decided?: ReadonlySet<string>;
}

/** Compares the addresses that the target shows with those by which the users were linked. */
@Injectable()
export class ShownAddresses {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly drift: DriftLedger,
  ) {}

  async compare(run: RunContext, seen: AddressesSeen): Promise<void> {
    const { id } = run.integration;
    for await (const remoteUserIds of chunksToRead([...seen.addresses.keys()])) {
      const links = await this.reader.query<LinkRow[]>(
        `SELECT ${COLUMNS} FROM ${throughIndex('remote_user', 'remote_user_of_integration')}
         WHERE integrationId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
        [id, ...remoteUserIds],
      );
      const moved = links.filter((link) => planOf(link, seen) !== null);
      for await (const some of chunksOf(moved)) {
        await this.leases.run(run.lease, async (tx) => {
          const planned = (await locked(tx, some)).flatMap((link) => {
            const plan = planOf(link, seen);
            return plan ? [{ ...link, address: addressOf(link, seen)!, plan }] : [];
          });
          await writeShownAddresses(tx, planned);
          await this.drift.record(tx, id, planned.flatMap(driftOf), Date.now());
        });
      }
    }
  }
}

const COLUMNS = 'userId, remoteUserId, emailKey, linkedEmailKey, pinned, reason, attempts, checkedAt';

interface LinkRow extends Omit<ShownLink, 'pinned'> {
  userId: string;
  remoteUserId: string | null;
  pinned: number;
}

function locked(tx: Transaction, links: readonly LinkRow[]): Promise<LinkRow[]> {
  return tx.query<LinkRow>(
    `SELECT ${COLUMNS} FROM remote_user WHERE userId IN (${inList(links)}) ORDER BY userId${FOR_UPDATE}`,
    links.map(({ userId }) => userId),
  );
}

function addressOf({ remoteUserId }: LinkRow, { addresses }: AddressesSeen): string | undefined {
  const address = remoteUserId === null ? undefined : addresses.get(remoteUserId);
  return address === undefined ? undefined : addressKey(address);
}

function planOf(link: LinkRow, seen: AddressesSeen): ShownAddressPlan | null {
  const address = addressOf(link, seen);
  if (address === undefined) return null;
  const pinned = Boolean(link.pinned);
  const checkedAt = Number(link.checkedAt);
  const isDecided = !pinned && Boolean(seen.decided?.has(link.userId));
  // The answer to a look-up may be slightly older than the look-up. A pin is always checked in the target.
  const linkTells = pinned ? checkedAt : checkedAt - OLDEST_ANSWER_MS;
  if (isDecided ? link.reason === null : linkTells >= seen.askedAt) return null;
  const emailKey = link.emailKey?.trim() ?? null;
  const linkedEmailKey = link.linkedEmailKey?.trim() ?? null;
  const { reason, attempts } = link;
  return planShownAddress(
    { pinned, emailKey, linkedEmailKey, reason, attempts, checkedAt },
    address,
    Date.now(),
  );
}

function driftOf({ remoteUserId, plan }: LinkRow & { plan: ShownAddressPlan }): FoundDrift[] {
  if (remoteUserId === null) return [];
  if (plan.kind === 'look-up') return [addressChanged('email_differs', remoteUserId, plan.message, true)];
  return plan.kind === 'flag' ? [addressChanged(plan.reason, remoteUserId, plan.message, false)] : [];
}
