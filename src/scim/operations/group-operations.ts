import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { type GroupRow, Groups } from '../../directory/groups';
import { inSlices } from '../../event-loop/slice';
import type { ScimCaller } from '../authentication/scim-authentication';
import { applyPatch } from '../patch/apply-patch';
import { splitMembership } from '../patch/membership-patch';
import { readPatchRequest } from '../patch/patch-request';
import { groupWrite, storedGroup } from '../resources/group-record';
import { GroupMembers } from '../resources/members';
import { etagOf } from '../resources/representation';
import { readMemberIds, splitMembers } from '../schema/read-members';
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

  async create(caller: ScimCaller, body: unknown): Promise<GroupRow> {
    const id = uuid();
    const given = splitMembers(body);
    const { resource } = readResource(GROUP, given.attributes);
    const members = new Set(await inSlices(readMemberIds(given.members ?? [])));
    return this.groups.create(
      caller.context,
      id,
      groupWrite(id, resource, caller.target),
      members,
      WRITE_OPTIONS,
    );
  }

  async replace(
    caller: ScimCaller,
    id: string,
    body: unknown,
    conditions: WriteConditions,
  ): Promise<GroupRow> {
    const groupId = resourceId('Group', id);
    const { attributes, members } = splitMembers(body);
    // Refuses a bad body before the transaction waits for the group.
    readResource(GROUP, attributes);
    const ids = members === undefined ? null : await inSlices(readMemberIds(members));
    return this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(conditions, etagOf(current));
          const write = groupWrite(
            groupId,
            readReplacement(GROUP, attributes, storedGroup(current)).resource,
            caller.target,
          );
          return write.resource === current.resource ? null : write;
        },
        // Clients may build a rename from a read without members. It must not empty the group.
        membership: ids === null ? undefined : { kind: 'exact', members: new Set(ids) },
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
    const { attributeOperations, steps } = await inSlices(readPatch(body));
    if (steps.some(({ kind }) => kind === 'removeWhere')) {
      // The group must belong to the integration before its members are read.
      const group = await this.groups.find(caller.context.integrationId, groupId);
      if (!group) throw new ResourceNotFoundError('Group', id);
    }
    return this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(conditions, etagOf(current));
          if (attributeOperations.length === 0) return null;
          const { resource, changed } = applyPatch(GROUP, storedGroup(current), attributeOperations);
          return changed ? groupWrite(groupId, resource, caller.target) : null;
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

function* readPatch(body: unknown) {
  return yield* splitMembership(yield* readPatchRequest(GROUP, body));
}
