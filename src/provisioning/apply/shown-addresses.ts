import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksOf, chunksToRead } from '../../database/chunks';
import { FOR_UPDATE, inList, throughIndex } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { fold } from '../../directory/fold';
import { type ShownAddressPlan, type ShownLink, planShownAddress } from '../plan/link-plan';
import { Leases } from '../schedule/lease';
import { writeShownAddresses } from '../state/remote-links';
import type { RunContext } from './run-context';

/** Compares the addresses that the target shows of people, whatever for, with those by which they were linked. */
@Injectable()
export class ShownAddresses {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /**
   * @param addresses by remote user
   * @param decided users whose look-up has just shown these addresses: whoever it found is found
   */
  async compare(
    run: RunContext,
    addresses: ReadonlyMap<string, string>,
    decided: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    const { id } = run.integration;
    for await (const remoteUserIds of chunksToRead([...addresses.keys()])) {
      const links = await this.reader.query<LinkRow[]>(
        `SELECT ${COLUMNS} FROM ${throughIndex('remote_user', 'remote_user_of_integration')}
         WHERE integrationId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
        [id, ...remoteUserIds],
      );
      const moved = links.filter((link) => planOf(link, addresses, decided) !== null);
      for await (const some of chunksOf(moved)) {
        await this.leases.run(run.lease, async (tx) => {
          const current = await locked(tx, some);
          await writeShownAddresses(
            tx,
            current.flatMap((link) => {
              const plan = planOf(link, addresses, decided);
              return plan ? [{ userId: link.userId, address: addressOf(link, addresses)!, plan }] : [];
            }),
          );
        });
      }
    }
  }
}

const COLUMNS = 'userId, remoteUserId, emailKey, linkedEmailKey, pinned, reason';

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

function addressOf({ remoteUserId }: LinkRow, addresses: ReadonlyMap<string, string>): string | undefined {
  const address = remoteUserId === null ? undefined : addresses.get(remoteUserId);
  return address === undefined ? undefined : fold(address.trim());
}

function planOf(
  link: LinkRow,
  addresses: ReadonlyMap<string, string>,
  decided: ReadonlySet<string>,
): ShownAddressPlan | null {
  const address = addressOf(link, addresses);
  if (address === undefined) return null;
  const pinned = Boolean(link.pinned);
  if (!pinned && link.reason === null && decided.has(link.userId)) return null;
  const emailKey = link.emailKey?.trim() ?? null;
  const linkedEmailKey = link.linkedEmailKey?.trim() ?? null;
  return planShownAddress({ pinned, emailKey, linkedEmailKey, reason: link.reason }, address);
}
