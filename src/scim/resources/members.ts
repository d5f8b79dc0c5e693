import { Injectable } from '@nestjs/common';
import { Slice, inSlices } from '../../event-loop/slice';
import { Groups, type MembershipChange } from '../../directory/groups';
import { Users } from '../../directory/users';
import type { ScimCaller } from '../authentication/scim-authentication';
import { MembershipEffect, type MembershipStep, collapse } from '../patch/membership-patch';
import type { ScimObject } from '../schema/json';
import { USER } from '../schema/registry';
import { locationOf } from './representation';
import { ScanBudget } from './scan';

/** The members of groups as they appear in resources, read in slices. */
@Injectable()
export class GroupMembers {
  constructor(
    private readonly groups: Groups,
    private readonly users: Users,
  ) {}

  async *of(integrationId: string, baseUrl: string, groupId: string): AsyncGenerator<ScimObject[]> {
    for await (const rows of this.groups.membersOf(integrationId, groupId)) {
      yield rows.map(({ userId, displayName }) => memberOf(baseUrl, userId, displayName));
    }
  }

  /**
   * The change that a PATCH makes to the members of one group of the caller's integration. Only a filter without
   * ids needs the current members. For any number of such filters, they are read once.
   *
   * @throws ScimError 400 tooMany
   */
  async changeOf(
    { baseUrl, context, scan }: ScimCaller,
    groupId: string,
    steps: readonly MembershipStep[],
  ): Promise<MembershipChange | undefined> {
    if (steps.length === 0) return undefined;
    const named = await inSlices(collapse(steps));
    if (named !== null) return named;
    const budget = scan ?? new ScanBudget();
    const effect = await inSlices(MembershipEffect.of(steps));
    for await (const members of this.of(context.integrationId, baseUrl, groupId)) {
      for (const member of members) {
        effect.applyTo(member, true);
        await budget.spend(1);
      }
    }
    const slice = new Slice();
    const additions = await inSlices(effect.unseenAdditions());
    const names = await this.users.displayNames(context.integrationId, additions);
    for (const userId of additions) {
      effect.applyTo(memberOf(baseUrl, userId, names.get(userId)), false);
      if (slice.isOver) await slice.next();
    }
    return effect.change();
  }
}

/** @param displayName undefined if the user does not exist */
function memberOf(baseUrl: string, userId: string, displayName: string | undefined): ScimObject {
  const member: ScimObject = { value: userId, $ref: locationOf(baseUrl, USER, userId), type: 'User' };
  return displayName === undefined ? member : { ...member, display: displayName };
}
