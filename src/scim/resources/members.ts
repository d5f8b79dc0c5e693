import { Injectable } from '@nestjs/common';
import { Groups, type MembershipChange } from '../../directory/groups';
import { Users } from '../../directory/users';
import type { ScimCaller } from '../authentication/scim-authentication';
import { matches } from '../filter/evaluate';
import { type MembershipStep, collapse } from '../patch/membership-patch';
import type { ScimObject } from '../schema/json';
import { USER } from '../schema/registry';
import { locationOf } from './representation';

const ROWS_AT_ONCE = 1_000;

/** The members of groups as resources show them, read in chunks. */
@Injectable()
export class GroupMembers {
  constructor(
    private readonly groups: Groups,
    private readonly users: Users,
  ) {}

  async *of(baseUrl: string, groupId: string): AsyncGenerator<ScimObject[]> {
    for (let after = ''; ;) {
      const rows = await this.groups.membersOf(groupId, after, ROWS_AT_ONCE);
      if (rows.length > 0) {
        yield rows.map(({ userId, displayName }) => memberOf(baseUrl, userId, displayName));
      }
      if (rows.length < ROWS_AT_ONCE) return;
      after = rows.at(-1)!.userId;
    }
  }

  async all(baseUrl: string, groupId: string): Promise<ScimObject[]> {
    const members: ScimObject[] = [];
    for await (const some of this.of(baseUrl, groupId)) members.push(...some);
    return members;
  }

  /**
   * What a PATCH does to the members of one group; only a filter that names no ids has to look at who they are, as the
   * operations before it left them.
   */
  async changeOf(
    { baseUrl, context }: ScimCaller,
    groupId: string,
    steps: readonly MembershipStep[],
  ): Promise<MembershipChange | undefined> {
    if (steps.length === 0) return undefined;
    const named: MembershipStep[] = [];
    for (const step of steps) {
      if (step.kind !== 'removeWhere') {
        named.push(step);
        continue;
      }
      const userIds: string[] = [];
      for await (const members of this.leftBy(collapse(named)!, baseUrl, context.integrationId, groupId)) {
        for (const member of members) if (matches(step.filter, member)) userIds.push(member.value as string);
      }
      named.push({ kind: 'remove', userIds });
    }
    return collapse(named) ?? undefined;
  }

  private async *leftBy(
    change: MembershipChange,
    baseUrl: string,
    integrationId: string,
    groupId: string,
  ): AsyncGenerator<ScimObject[]> {
    const coming = change.kind === 'exact' ? change.members : change.add;
    if (change.kind === 'delta') {
      for await (const members of this.of(baseUrl, groupId)) {
        yield members.filter(
          ({ value }) => !change.remove.has(value as string) && !coming.has(value as string),
        );
      }
    }
    const names = await this.users.displayNames(integrationId, [...coming]);
    yield [...names].map(([userId, displayName]) => memberOf(baseUrl, userId, displayName));
  }
}

function memberOf(baseUrl: string, userId: string, displayName: string): ScimObject {
  return { value: userId, $ref: locationOf(baseUrl, USER, userId), type: 'User', display: displayName };
}
