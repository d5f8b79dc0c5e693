import { Injectable } from '@nestjs/common';
import type { ListPage } from '../messages/list-response';
import { ScimError } from '../messages/scim-error';
import type { SearchRequest } from '../messages/search-request';
import { Projection } from '../schema/project';
import { GROUP, USER } from '../schema/registry';
import { Cursors } from './cursors';
import { findPage } from './find-page';
import { GroupResources } from './group-resources';
import type { TextPiece } from './resource-source';
import { UserResources } from './user-resources';

/** A search over all resources of an integration: users first, then groups, each in the order that was asked for. */
@Injectable()
export class RootSearch {
  constructor(
    private readonly users: UserResources,
    private readonly groups: GroupResources,
    private readonly cursors: Cursors,
  ) {}

  async find(
    integrationId: string,
    baseUrl: string,
    search: SearchRequest,
  ): Promise<{ page: Omit<ListPage, 'itemsPerPage'>; pieces: AsyncGenerator<TextPiece> }> {
    const { users, groups, page } =
      search.cursor === null
        ? await this.byIndex(integrationId, baseUrl, search)
        : await this.byCursor(integrationId, baseUrl, { ...search, cursor: search.cursor });
    return { page, pieces: this.pieces(integrationId, baseUrl, users, groups, search) };
  }

  private async *pieces(
    integrationId: string,
    baseUrl: string,
    userIds: readonly string[],
    groupIds: readonly string[],
    search: SearchRequest,
  ): AsyncGenerator<TextPiece> {
    yield* this.users.texts(integrationId, baseUrl, userIds, new Projection(USER, search));
    yield* this.groups.texts(integrationId, baseUrl, groupIds, new Projection(GROUP, search));
  }

  private async byIndex(integrationId: string, baseUrl: string, search: SearchRequest) {
    const users = await this.findUsers(integrationId, baseUrl, search);
    const userCount = users.totalResults ?? 0;
    const groups = await this.findGroups(integrationId, baseUrl, {
      ...search,
      startIndex: Math.max(1, search.startIndex - userCount),
      count: search.count - users.ids.length,
    });
    const totalResults = userCount + (groups.totalResults ?? 0);
    return { users: users.ids, groups: groups.ids, page: { totalResults, startIndex: search.startIndex } };
  }

  /** A cursor begins with the letter of the type that it stands in. */
  private async byCursor(integrationId: string, baseUrl: string, search: SearchRequest & { cursor: string }) {
    const [type, inner] = [search.cursor.slice(0, 1), search.cursor.slice(1)];
    if (!['', 'u', 'g'].includes(type)) throw ScimError.invalidCursor();
    const users =
      type === 'g' ? { ids: [] } : await this.findUsers(integrationId, baseUrl, { ...search, cursor: inner });
    if ('nextCursor' in users && users.nextCursor !== undefined) {
      return { users: users.ids, groups: [], page: { nextCursor: `u${users.nextCursor}` } };
    }
    const groups = await this.findGroups(integrationId, baseUrl, {
      ...search,
      cursor: type === 'g' ? inner : '',
      count: search.count - users.ids.length,
    });
    const page = groups.nextCursor === undefined ? {} : { nextCursor: `g${groups.nextCursor}` };
    return { users: users.ids, groups: groups.ids, page };
  }

  private findUsers(integrationId: string, baseUrl: string, search: SearchRequest) {
    return findPage(this.users.source(integrationId, baseUrl), search, this.cursors);
  }

  private findGroups(integrationId: string, baseUrl: string, search: SearchRequest) {
    return findPage(this.groups.source(integrationId, baseUrl), search, this.cursors);
  }
}
