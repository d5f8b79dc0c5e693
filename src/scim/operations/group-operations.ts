import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { type GroupRow, Groups } from '../../directory/groups';
import type { ScimCaller } from '../authentication/scim-authentication';
import { applyPatch } from '../patch/apply-patch';
import { memberIds, splitMembership } from '../patch/membership-patch';
import { readPatchRequest } from '../patch/patch-request';
import { groupWrite, storedGroup } from '../resources/group-record';
import { GroupMembers } from '../resources/members';
import { etagOf } from '../resources/representation';
import { readReplacement, readResource } from '../schema/read-resource';
import { GROUP } from '../schema/registry';
import { WRITE_OPTIONS, assertMatches, resourceId } from './preconditions';
import type { ResourceOperations, WriteConditions } from './resource-operations';

@Injectable()
export class GroupOperations implements ResourceOperations<GroupRow> {
  constructor(
    private readonly groups: Groups,
    private readonly members: GroupMembers,
  ) {}

  create(caller: ScimCaller, body: unknown): Promise<GroupRow> {
    const id = uuid();
    const { resource } = readResource(GROUP, body);
    const members = new Set(memberIds(resource.members));
    return this.groups.create(caller.context, id, groupWrite(id, resource), members, WRITE_OPTIONS);
  }

  replace(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<GroupRow> {
    const groupId = resourceId('Group', id);
    const { resource, given } = readResource(GROUP, body);
    return this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(conditions, etagOf(current));
          const write = groupWrite(groupId, readReplacement(GROUP, body, storedGroup(current)).resource);
          return write.resource === current.resource ? null : write;
        },
        // A rename that was built from a read without members must not empty the team.
        membership: given.has('members')
          ? { kind: 'exact', members: new Set(memberIds(resource.members)) }
          : undefined,
      },
      WRITE_OPTIONS,
    );
  }

  async modify(
    caller: ScimCaller,
    id: string,
    body: unknown,
    conditions: WriteConditions,
  ): Promise<GroupRow> {
    const groupId = resourceId('Group', id);
    const { attributeOperations, steps } = splitMembership(readPatchRequest(GROUP, body));
    return this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(conditions, etagOf(current));
          if (attributeOperations.length === 0) return null;
          const { resource, changed } = applyPatch(GROUP, storedGroup(current), attributeOperations);
          return changed ? groupWrite(groupId, resource) : null;
        },
        membership: await this.members.changeOf(caller, groupId, steps),
      },
      WRITE_OPTIONS,
    );
  }

  delete(caller: ScimCaller, id: string, conditions: WriteConditions): Promise<void> {
    const accept = (current: GroupRow) => assertMatches(conditions, etagOf(current));
    return this.groups.delete(caller.context, resourceId('Group', id), accept, WRITE_OPTIONS);
  }
}
