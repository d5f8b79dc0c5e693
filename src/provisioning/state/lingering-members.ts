import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksToRead } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { KeptUsers, RemovedUsers } from '../../directory/kept-users';

/**
 * Keeps deleted users that are still members through us, because the target refuses the removal or an admin has to
 * decide: lists have to show who they are.
 */
@Injectable()
export class LingeringMembers implements OnModuleInit {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly kept: KeptUsers,
    private readonly removed: RemovedUsers,
  ) {}

  onModuleInit(): void {
    this.kept.register((userIds) => this.among(userIds));
    this.removed.register(forgetLinks);
  }

  /** Without deleted users whose remote user also has an active user: lists show that one. */
  private async among(userIds: readonly string[]): Promise<string[]> {
    const lingering: string[] = [];
    for await (const some of chunksToRead(userIds)) {
      const rows = await this.reader.query<{ userId: string }[]>(
        `SELECT l.userId AS userId FROM remote_user l WHERE l.userId IN (${inList(some)})
           AND EXISTS (SELECT 1 FROM remote_member m JOIN remote_group g ON g.id = m.remoteGroupId
                       WHERE m.remoteUserId = l.remoteUserId AND m.managed = 1 AND g.integrationId = l.integrationId)
           AND NOT EXISTS (SELECT 1 FROM remote_user o JOIN scim_user u ON u.id = o.userId
                           WHERE o.integrationId = l.integrationId AND o.remoteUserId = l.remoteUserId
                             AND u.active = 1 AND u.deletedAt IS NULL)`,
        [...some],
      );
      lingering.push(...rows.map(({ userId }) => userId));
    }
    return lingering;
  }
}

/**
 * Deletes the links of users that are in no remote group through us any more, or only as another user: lists need
 * no names for them.
 */
async function forgetLinks(tx: Transaction, userIds: readonly string[]): Promise<void> {
  await tx.query(`DELETE FROM remote_user WHERE userId IN (${inList(userIds)})`, userIds);
}
