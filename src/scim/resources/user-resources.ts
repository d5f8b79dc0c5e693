import { Injectable } from '@nestjs/common';
import { Groups } from '../../directory/groups';
import { type UserRow, Users } from '../../directory/users';
import type { Projection } from '../schema/project';
import type { ScimObject } from '../schema/json';
import { GROUP, USER } from '../schema/registry';
import type { ResourceSource } from './find-page';
import { locationOf, metaOf, spliced } from './representation';
import { USER_COLUMNS, storedUser } from './user-record';

/** Users as SCIM resources: the stored text, `meta`, and the groups that they are in. */
@Injectable()
export class UserResources {
  constructor(
    private readonly users: Users,
    private readonly groups: Groups,
  ) {}

  source(integrationId: string, baseUrl: string): ResourceSource<UserRow> {
    return {
      integrationId,
      type: USER,
      columns: USER_COLUMNS,
      count: (where) => this.users.count(integrationId, where),
      list: (request) => this.users.list(integrationId, request),
      resources: async (rows, needed) => {
        const groups = needed.has('groups')
          ? await this.groupsOf(integrationId, baseUrl, rows)
          : rows.map((): ScimObject[] => []);
        return rows.map((row, index) => whole(baseUrl, row, groups[index]!));
      },
    };
  }

  /** The JSON text of each row. */
  async texts(
    integrationId: string,
    baseUrl: string,
    rows: readonly UserRow[],
    projection: Projection,
  ): Promise<string[]> {
    const groups = projection.includes('groups')
      ? await this.groupsOf(integrationId, baseUrl, rows)
      : rows.map((): ScimObject[] => []);
    return rows.map((row, index) =>
      projection.isDefault
        ? spliced(row, metaOf(baseUrl, USER, row), { name: 'groups', values: groups[index]! })
        : JSON.stringify(projection.project(whole(baseUrl, row, groups[index]!))),
    );
  }

  private async groupsOf(
    integrationId: string,
    baseUrl: string,
    rows: readonly UserRow[],
  ): Promise<ScimObject[][]> {
    const groups = await this.groups.groupsOf(
      integrationId,
      rows.map(({ id }) => id),
    );
    return rows.map(({ id }) =>
      groups.get(id)!.map((group) => ({
        value: group.id,
        $ref: locationOf(baseUrl, GROUP, group.id),
        display: group.displayName,
        type: 'direct',
      })),
    );
  }
}

function whole(baseUrl: string, row: UserRow, groups: ScimObject[]): ScimObject {
  return { ...storedUser(row), ...(groups.length > 0 ? { groups } : {}), meta: metaOf(baseUrl, USER, row) };
}
