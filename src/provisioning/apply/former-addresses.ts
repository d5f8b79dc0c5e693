import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GivenAddresses } from '../../directory/given-addresses';
import { EMAIL_DIFFERS } from '../plan/link-plan';
import { UserResolution } from './user-resolution';

/**
 * Whoever is in their teams as whom they were by a former address is compared at once when the IdP gives that address to
 * somebody else: the person of the target is the other one's login by then. The other one need not be in any group.
 */
@Injectable()
export class FormerAddresses implements OnModuleInit {
  constructor(
    private readonly addresses: GivenAddresses,
    private readonly users: UserResolution,
  ) {}

  onModuleInit(): void {
    this.addresses.hear(async (tx, { integrationId, actor }, { userId, emailKey }) => {
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
