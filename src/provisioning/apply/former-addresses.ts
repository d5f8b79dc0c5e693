import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GivenAddresses } from '../../directory/given-addresses';
import { EMAIL_DIFFERS } from '../plan/link-plan';
import { UserResolution } from './user-resolution';

/**
 * Users that are linked by a former address are compared at once when the IdP gives that address to another user:
 * the remote user is then the other user's account. The other user need not be in any group.
 */
@Injectable()
export class FormerAddresses implements OnModuleInit {
  constructor(
    private readonly addresses: GivenAddresses,
    private readonly users: UserResolution,
  ) {}

  onModuleInit(): void {
    this.addresses.register(async (tx, { integrationId, actor }, { userId, emailKey }) => {
      const differing = await tx.query<{ userId: string }>(
        `SELECT userId FROM remote_user WHERE integrationId = ? AND linkedEmailKey = ? AND userId <> ?
           AND reason = '${EMAIL_DIFFERS}'`,
        [integrationId, emailKey, userId],
      );
      const userIds = differing.map((user) => user.userId);
      if (userIds.length > 0) await this.users.compareGroupsOf(tx, integrationId, userIds, actor.requestId);
    });
  }
}
