import { sortInSlices } from '../../event-loop/sort-in-slices';
import { BY_ID, type KeyOrder, type KeyRange, type KeyRow, type Place } from '../../directory/key-slice';
import { placeOf } from '../../directory/live-resources';
import { isResourceId } from '../../directory/resource-id';
import { type BoundFilter, bindFilter } from '../filter/bind';
import { type Candidates, candidatesOf } from '../filter/candidates';
import { leavesOf, lookUpOf } from '../filter/columns';
import { printFilter } from '../filter/print';
import { ScimError } from '../messages/scim-error';
import type { SearchRequest } from '../messages/search-request';
import { printAttributePath } from '../schema/attribute-path';
import type { CursorScope, Cursors } from './cursors';
import type { ResourceSource } from './resource-source';
import { Matcher, ScanBudget } from './scan';
import { type Sorting, comparePlaces, sortingOf } from './sorting';

/** Comparisons without an index: each one runs for every resource of a scan. */
export const MOST_COMPARISONS = 50;
const KEYS_AT_ONCE = 500;

export interface FoundPage {
  ids: string[];
  /** Left out in cursor pagination, because counting would cost more than the page, unless `count` is 0. */
  totalResults?: number;
  startIndex?: number;
  nextCursor?: string;
}

/**
 * The page that a request asks for (RFC 7644 §3.4.2, RFC 9865). Keys are read in slices, from an index that suits
 * the filter or the order. What no index answers is checked on each resource, within limits.
 *
 * @throws ScimError 400 invalidFilter, invalidCursor; 400 tooMany for a search above its limit
 */
export async function findPage(
  source: ResourceSource,
  search: SearchRequest,
  cursors: Cursors,
): Promise<FoundPage> {
  const filter = search.filter === null ? null : bindFilter(source.type, search.filter);
  if (filter !== null) assertAnswerable(source, filter);
  const sorting = sortingOf(source.type, source.columns, search);
  const list = new Search(source, filter, sorting);
  return search.cursor === null
    ? pageByIndex(list, search)
    : pageByCursor(list, { ...search, cursor: search.cursor }, cursors, scopeOf(source, search));
}

async function pageByIndex(
  list: Search,
  { startIndex, count }: Pick<SearchRequest, 'startIndex' | 'count'>,
): Promise<FoundPage & { totalResults: number }> {
  const offset = startIndex - 1;
  const known = await list.totalWithoutScan();
  if (known !== null && (count === 0 || offset >= known)) return { ids: [], totalResults: known, startIndex };
  const ids: string[] = [];
  let passed = 0;
  for await (const places of list.places(null, known === null ? undefined : offset + count)) {
    for (const { id } of places) {
      if (passed >= offset && ids.length < count) ids.push(id);
      passed += 1;
    }
    if (known !== null && ids.length === count) break;
  }
  return { ids, totalResults: known ?? passed, startIndex };
}

async function pageByCursor(
  list: Search,
  { count, cursor }: SearchRequest & { cursor: string },
  cursors: Cursors,
  scope: CursorScope,
): Promise<FoundPage> {
  const from = cursor === '' ? null : cursors.decode<CursorPlace>(scope, cursor);
  if (count === 0) {
    const { totalResults } = await pageByIndex(list, { startIndex: 1, count });
    if (totalResults === 0) return { ids: [], totalResults };
    // The cursor stays at its place, because this is not the end of the list.
    return { ids: [], totalResults, nextCursor: cursors.encode(scope, from ?? { offset: 0 }) };
  }
  const behind = from && 'id' in from ? from : null;
  const passed = from && 'offset' in from ? from.offset : 0;
  const found: Place[] = [];
  let skipped = 0;
  // One result more shows whether there is another page.
  for await (const places of list.places(behind, count + 1)) {
    for (const place of places) {
      if (skipped < passed) skipped += 1;
      else if (found.length <= count) found.push(place);
    }
    if (found.length > count) break;
  }
  const ids = found.slice(0, count).map(({ id }) => id);
  if (found.length <= count) return { ids };
  const next = list.isComputed ? { offset: passed + count } : found[count - 1]!;
  return { ids, nextCursor: cursors.encode(scope, next) };
}

/** The start of a page by cursor. A computed key may be long, so such a list uses an offset. */
type CursorPlace = Place | { offset: number };

/** A list in its order, before it is split into pages. */
class Search {
  private readonly budget = new ScanBudget();

  constructor(
    private readonly source: ResourceSource,
    private readonly filter: BoundFilter | null,
    private readonly sorting: Sorting,
  ) {}

  get isComputed(): boolean {
    return this.sorting.kind === 'computed';
  }

  /** The total, if it is known without a scan; otherwise null. */
  async totalWithoutScan(): Promise<number | null> {
    return this.filter === null && this.sorting.kind === 'index' ? this.source.total() : null;
  }

  /**
   * The places of all matches, in slices.
   *
   * @param behind starts after this place; null for the beginning
   * @param wanted how many places the caller needs, if not all
   * @throws ScimError 400 tooMany
   */
  async *places(behind: Place | null, wanted?: number): AsyncGenerator<Place[]> {
    const { sorting } = this;
    if (sorting.kind === 'index') {
      const range = this.rangeIn(sorting.order);
      if (range !== undefined) {
        for await (const rows of this.matching(
          this.source.keys({ order: sorting.order, range, behind }, wanted),
        )) {
          yield rows.map((row) => placeOf(sorting.order, row));
        }
        return;
      }
    }
    yield* slicesAfter(await this.sorted(), behind, comparePlaces(isDescending(sorting)));
  }

  /**
   * The part of an order that must be read.
   *
   * @returns null for all of it, undefined if another index is faster but has another order
   */
  private rangeIn(order: KeyOrder): KeyRange | null | undefined {
    const candidates = this.candidates();
    if (candidates === null) return null;
    if (candidates.kind !== 'range' || candidates.column.column !== order.column) return undefined;
    return { low: candidates.low, high: candidates.high };
  }

  private candidates(): Candidates | null {
    return this.filter && candidatesOf(this.filter, this.source.columns);
  }

  /** Collects all matches, then sorts them. */
  private async sorted(): Promise<Place[]> {
    const { sorting } = this;
    const places: Place[] = [];
    for await (const rows of this.matching(this.candidateKeys())) {
      if (sorting.kind === 'index') for (const row of rows) places.push(placeOf(sorting.order, row));
      else for (const place of await this.computedPlaces(rows, sorting)) places.push(place);
    }
    return sortInSlices(places, comparePlaces(isDescending(sorting)));
  }

  private async *candidateKeys(): AsyncGenerator<KeyRow[]> {
    const candidates = this.candidates();
    if (candidates?.kind === 'look-ups') {
      yield* this.keysOf(await this.lookedUp(candidates));
      return;
    }
    const order: KeyOrder = candidates
      ? { column: candidates.column.column, nullable: candidates.column.nullable, descending: false }
      : BY_ID;
    yield* this.source.keys({ order, range: candidates, behind: null });
  }

  private async *keysOf(ids: readonly string[]): AsyncGenerator<KeyRow[]> {
    for (let start = 0; start < ids.length; start += KEYS_AT_ONCE) {
      yield await this.source.keysOf(ids.slice(start, start + KEYS_AT_ONCE));
    }
  }

  private async lookedUp({ lookUps }: Candidates & { kind: 'look-ups' }): Promise<string[]> {
    const ids = new Set<string>();
    const matcher = await this.matcher();
    for (const lookUp of lookUps) {
      if (lookUp.kind === 'id') {
        if (isResourceId(lookUp.id)) ids.add(lookUp.id);
      } else if (lookUp.kind === 'link') {
        for (const id of matcher!.linkedTo(lookUp.id)) ids.add(id);
      } else {
        const { column, nullable } = lookUp.column;
        const range = { low: lookUp.value, high: lookUp.value };
        const order = { column, nullable, descending: false };
        for await (const rows of this.source.keys({ order, range, behind: null })) {
          for (const { id } of rows) ids.add(id);
          await this.budget.spend();
        }
      }
      await this.budget.spend();
    }
    return [...ids];
  }

  private async *matching(all: AsyncIterable<KeyRow[]>): AsyncGenerator<KeyRow[]> {
    const matcher = await this.matcher();
    for await (const rows of all) {
      const found = matcher ? await matcher.matching(rows) : rows;
      if (found.length > 0) yield found;
      if (matcher) await this.budget.spend();
      else await this.budget.rest();
    }
  }

  private prepared: Promise<Matcher> | null = null;

  private async matcher(): Promise<Matcher | null> {
    if (this.filter === null) return null;
    this.prepared ??= Matcher.prepare(this.source, this.filter, this.budget);
    return this.prepared;
  }

  private async computedPlaces(
    rows: readonly KeyRow[],
    sorting: Sorting & { kind: 'computed' },
  ): Promise<Place[]> {
    const places: Place[] = [];
    for await (const { id, resource } of this.source.resourcesOf(rows.map((row) => row.id))) {
      const shown =
        sorting.attribute === this.source.links.attribute ? await this.withFirstLink(id, resource) : resource;
      places.push({ key: sorting.keyOf(shown), id });
      await this.budget.spend(1);
    }
    return places;
  }

  /** The first of several values counts, because links have no primary value. */
  private async withFirstLink<R extends object>(id: string, resource: R): Promise<R> {
    for await (const [first] of this.source.links.valuesOf(id)) {
      return { ...resource, [this.source.links.attribute]: [first] };
    }
    return resource;
  }
}

function* slicesAfter(
  places: readonly Place[],
  behind: Place | null,
  compare: (left: Place, right: Place) => number,
): Generator<Place[]> {
  let from = 0;
  if (behind) {
    let end = places.length;
    while (from < end) {
      const middle = (from + end) >> 1;
      if (compare(places[middle]!, behind) > 0) end = middle;
      else from = middle + 1;
    }
  }
  for (let start = from; start < places.length; start += KEYS_AT_ONCE) {
    yield places.slice(start, start + KEYS_AT_ONCE);
  }
}

function isDescending(sorting: Sorting): boolean {
  return sorting.kind === 'index' ? sorting.order.descending : sorting.descending;
}

/** @throws ScimError 400 invalidFilter */
function assertAnswerable({ columns }: ResourceSource, filter: BoundFilter): void {
  let comparisons = 0;
  for (const leaf of leavesOf(filter)) {
    if (leaf.kind === 'elements') comparisons += [...leavesOf(leaf.filter)].length;
    else if (leaf.kind !== 'constant' && !lookUpOf(leaf, columns)) comparisons += 1;
  }
  if (comparisons <= MOST_COMPARISONS) return;
  throw ScimError.invalidFilter(
    `The filter has ${comparisons} comparisons without an index, but at most ${MOST_COMPARISONS} are allowed; split the request.`,
  );
}

function scopeOf({ integrationId, type }: ResourceSource, search: SearchRequest): CursorScope {
  return {
    integrationId,
    resourceType: type.name,
    filter: search.filter && printFilter(search.filter),
    sortBy: search.sortBy && printAttributePath(search.sortBy).toLowerCase(),
    sortOrder: search.sortOrder,
  };
}
