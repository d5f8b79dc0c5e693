import { Injectable } from '@nestjs/common';
import { Slice } from '../../event-loop/slice';
import { Groups, type UserGroupRow } from '../../directory/groups';
import { type UserRow, Users } from '../../directory/users';
import type { Projection } from '../schema/project';
import type { ScimObject } from '../schema/json';
import { GROUP, USER } from '../schema/registry';
import { locationOf, metaOf, spliced } from './representation';
import type { ResourceSource, TextPiece } from './resource-source';
import { USER_COLUMNS, storedUser } from './user-record';

/** Users per statement that reads their groups. */
const USERS_AT_ONCE = 50;

/** Users as SCIM resources: the stored text, `meta`, and their groups. */
@Injectable()
export class UserResources {
  constructor(
    private readonly users: Users,
    private readonly groups: Groups,
  ) {}

  source(integrationId: string, baseUrl: string): ResourceSource {
    const { users, groups } = this;
    return {
      integrationId,
      type: USER,
      columns: USER_COLUMNS,
      links: {
        attribute: 'groups',
        async *linkedTo(groupId) {
          // The member rows of a deleted group still exist for a while.
          if (await groups.find(integrationId, groupId)) yield* groups.memberIds(integrationId, groupId);
        },
        havingAny: (ids) => groups.inGroups(integrationId, ids),
        async *valuesOf(userId) {
          for await (const some of groups.groupsOf(integrationId, userId)) {
            yield some.map((group) => groupOf(baseUrl, group));
          }
        },
      },
      total: () => users.count(integrationId),
      keys: (request, wanted) => users.keys(integrationId, request, wanted),
      keysOf: (ids) => users.keysOf(integrationId, ids),
      async *resourcesOf(ids) {
        for await (const row of users.each(integrationId, ids)) {
          yield { id: row.id, resource: whole(baseUrl, row, []) };
        }
      },
    };
  }

  /** The JSON text of these users, without deleted ones. */
  async *texts(
    integrationId: string,
    baseUrl: string,
    ids: readonly string[],
    projection: Projection,
  ): AsyncGenerator<TextPiece> {
    const slice = new Slice();
    for (let start = 0; start < ids.length; start += USERS_AT_ONCE) {
      const some = ids.slice(start, start + USERS_AT_ONCE);
      const groups = projection.includes('groups')
        ? await this.groups.groupsOfSome(integrationId, some)
        : new Map<string, never>();
      for await (const row of this.users.each(integrationId, some)) {
        const shown = groups === null ? await this.groupsOf(row) : (groups.get(row.id) ?? []);
        yield { begins: true, text: textOf(baseUrl, row, shown, projection) };
        if (slice.isOver) await slice.next();
      }
    }
  }

  /** The JSON text of one user. */
  async text(baseUrl: string, row: UserRow, projection: Projection): Promise<string> {
    return textOf(baseUrl, row, projection.includes('groups') ? await this.groupsOf(row) : [], projection);
  }

  private async groupsOf({ integrationId, id }: UserRow): Promise<UserGroupRow[]> {
    const slice = new Slice();
    const groups: UserGroupRow[] = [];
    for await (const some of this.groups.groupsOf(integrationId, id)) {
      for (const group of some) groups.push(group);
      if (slice.isOver) await slice.next();
    }
    return groups;
  }
}

function textOf(
  baseUrl: string,
  row: UserRow,
  groups: readonly UserGroupRow[],
  projection: Projection,
): string {
  const shown = groups.map((group) => groupOf(baseUrl, group));
  return projection.isDefault
    ? spliced(row, metaOf(baseUrl, USER, row), { name: 'groups', values: shown })
    : JSON.stringify(projection.project(whole(baseUrl, row, shown)));
}

function groupOf(baseUrl: string, { id, displayName }: UserGroupRow): ScimObject {
  return { value: id, $ref: locationOf(baseUrl, GROUP, id), display: displayName, type: 'direct' };
}

function whole(baseUrl: string, row: UserRow, groups: ScimObject[]): ScimObject {
  return { ...storedUser(row), ...(groups.length > 0 ? { groups } : {}), meta: metaOf(baseUrl, USER, row) };
}
