import { Injectable } from '@nestjs/common';
import type { ListPage } from '../messages/list-response';
import { ScimError } from '../messages/scim-error';
import type { SearchRequest } from '../messages/search-request';
import { Projection } from '../schema/project';
import { GROUP, USER } from '../schema/registry';
import { Cursors } from './cursors';
import { type FoundPage, findPage } from './find-page';
import { GroupResources } from './group-resources';
import type { TextPiece } from './resource-source';
import { UserResources } from './user-resources';

/** A search over all resources of an integration: users first, then groups, both in the order of creation. */
@Injectable()
export class RootSearch {
  constructor(
    private readonly users: UserResources,
    private readonly groups: GroupResources,
    private readonly cursors: Cursors,
  ) {}

  /** @throws ScimError 400 invalidValue for `sortBy`, because that order would mix both types */
  async find(
    integrationId: string,
    baseUrl: string,
    search: SearchRequest,
  ): Promise<{ page: Omit<ListPage, 'itemsPerPage'>; pieces: AsyncGenerator<TextPiece> }> {
    if (search.sortBy !== null) {
      throw ScimError.invalidValue(
        'A search over users and groups together cannot be sorted; search /Users or /Groups, or leave "sortBy" out.',
      );
    }
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

  /** The first letter of a cursor is the type of its place: `u` for users, `g` for groups. */
  private async byCursor(integrationId: string, baseUrl: string, search: SearchRequest & { cursor: string }) {
    const [type, inner] = [search.cursor.slice(0, 1), search.cursor.slice(1)];
    if (!['', 'u', 'g'].includes(type)) throw ScimError.invalidCursor();
    const places = type === 'g' ? { users: '', groups: inner } : { users: inner, groups: '' };
    if (search.count === 0) return this.countByCursor(integrationId, baseUrl, search, type === 'g', places);
    const users: FoundPage =
      type === 'g'
        ? { ids: [] }
        : await this.findUsers(integrationId, baseUrl, { ...search, cursor: places.users });
    if (users.nextCursor !== undefined) {
      return { users: users.ids, groups: [], page: { nextCursor: cursorIn('u', users) } };
    }
    const groups = await this.findGroups(integrationId, baseUrl, {
      ...search,
      cursor: places.groups,
      count: search.count - users.ids.length,
    });
    return { users: users.ids, groups: groups.ids, page: { nextCursor: cursorIn('g', groups) } };
  }

  private async countByCursor(
    integrationId: string,
    baseUrl: string,
    search: SearchRequest,
    isInGroups: boolean,
    places: { users: string; groups: string },
  ) {
    const users = await this.findUsers(integrationId, baseUrl, { ...search, cursor: places.users });
    const groups = await this.findGroups(integrationId, baseUrl, { ...search, cursor: places.groups });
    const totalResults = (users.totalResults ?? 0) + (groups.totalResults ?? 0);
    const nextCursor = (isInGroups ? undefined : cursorIn('u', users)) ?? cursorIn('g', groups);
    return { users: [], groups: [], page: { totalResults, nextCursor } };
  }

  private findUsers(integrationId: string, baseUrl: string, search: SearchRequest) {
    return findPage(this.users.source(integrationId, baseUrl), search, this.cursors);
  }

  private findGroups(integrationId: string, baseUrl: string, search: SearchRequest) {
    return findPage(this.groups.source(integrationId, baseUrl), search, this.cursors);
  }
}

function cursorIn(type: 'u' | 'g', { nextCursor }: FoundPage): string | undefined {
  return nextCursor === undefined ? undefined : `${type}${nextCursor}`;
}
