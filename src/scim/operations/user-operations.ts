import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { type UserRow, Users } from '../../directory/users';
import { inSlices } from '../../event-loop/slice';
import type { ScimCaller } from '../authentication/scim-authentication';
import { applyPatch } from '../patch/apply-patch';
import { readPatchRequest } from '../patch/patch-request';
import { etagOf } from '../resources/representation';
import { storedUser, userWrite } from '../resources/user-record';
import { readReplacement, readResource } from '../schema/read-resource';
import { USER } from '../schema/registry';
import { WRITE_OPTIONS, assertMatches, resourceId } from './preconditions';
import type { ResourceOperations, WriteConditions } from './resource-operations';

@Injectable()
export class UserOperations implements ResourceOperations<UserRow> {
  constructor(private readonly users: Users) {}

  create(caller: ScimCaller, body: unknown): Promise<UserRow> {
    const id = uuid();
    const write = userWrite(id, readResource(USER, body).resource, caller.target);
    return this.users.create(caller.context, id, write, WRITE_OPTIONS);
  }

  replace(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<UserRow> {
    const userId = resourceId('User', id);
    return this.users.change(
      caller.context,
      userId,
      (current) => {
        assertMatches(conditions, etagOf(current));
        const write = userWrite(
          userId,
          readReplacement(USER, body, storedUser(current)).resource,
          caller.target,
        );
        return write.resource === current.resource ? null : write;
      },
      WRITE_OPTIONS,
    );
  }

  async modify(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<UserRow> {
    const userId = resourceId('User', id);
    const operations = await inSlices(readPatchRequest(USER, body));
    return this.users.change(
      caller.context,
      userId,
      (current) => {
        assertMatches(conditions, etagOf(current));
        const { resource, changed } = applyPatch(USER, storedUser(current), operations);
        return changed ? userWrite(userId, resource, caller.target) : null;
      },
      WRITE_OPTIONS,
    );
  }

  delete(caller: ScimCaller, id: string, conditions: WriteConditions): Promise<void> {
    const accept = (current: UserRow) => assertMatches(conditions, etagOf(current));
    return this.users.delete(caller.context, resourceId('User', id), accept, WRITE_OPTIONS);
  }
}
