import type { CallContext } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { inParallel } from './in-parallel';
import type { PagerDutyClient } from './client';
import { LIST_LIMIT, PAGE_SIZE, pagesOf, type ListRequest } from './paging';

export interface SearchableListOptions<Row> {
  list: Omit<ListRequest<Row>, 'query' | 'withTotal'>;
  /**
   * The key by which callers ask for a row; several rows may share it. Null for a row that no caller can ask for.
   */
  keyOf: (row: Row) => string | null;
}

// A list whose length is unknown costs one call to look at; from three keys on that call may pay for itself.
const MIN_KEYS_FOR_SCAN = 3;
const TOTAL_KEPT_MS = 5 * 60_000;

/** Results by key. */
export interface Found<Row> {
  /** A key without rows is absent. After a scan of the whole list there are also keys that no caller asked for. */
  rows: ReadonlyMap<string, Row[]>;
  /** Keys whose search PagerDuty refuses; other keys are not affected. */
  refused: ReadonlyMap<string, ProviderError>;
  /** Keys without a result yet. */
  left: ReadonlySet<string>;
}

/**
 * A list that PagerDuty can search (`query` is a substring search over names and addresses, never a look-up). It
 * uses the fewest calls: one search for each key, or a scan of the whole list when that has fewer pages than there
 * are keys.
 */
export class SearchableList<Row extends { id: string }> {
  private total: { rows: number; readAt: number } | null = null;

  constructor(
    private readonly client: PagerDutyClient,
    private readonly options: SearchableListOptions<Row>,
  ) {}

  /** @param wanted what to search for, by key */
  async find(
    wanted: ReadonlyMap<string, string>,
    context: CallContext,
  ): Promise<Pick<Found<Row>, 'rows' | 'refused'>> {
    const { failure, ...found } = await this.lookUp(wanted, Infinity, context);
    if (failure) throw failure;
    return found;
  }

  /**
   * Returns what it finds soon; with a scan of the whole list that is everything. After a failure, keys without a
   * result are in `left`. It throws the failure only when there is no result at all.
   *
   * @param searches the maximum number of keys to search for
   * @param seen receives every row that is read
   */
  async findSome(
    wanted: ReadonlyMap<string, string>,
    searches: number,
    context: CallContext,
    seen: (row: Row) => void,
  ): Promise<Found<Row>> {
    const { failure, ...found } = await this.lookUp(wanted, searches, context, seen);
    if (failure && found.left.size === wanted.size) throw failure;
    return found;
  }

  private async lookUp(
    wanted: ReadonlyMap<string, string>,
    searches: number,
    context: CallContext,
    seen: (row: Row) => void = () => undefined,
  ): Promise<Found<Row> & { failure: ProviderError | null }> {
    const scan = this.scanMayBeCheaper(wanted.size) ? await this.scan(wanted.size, context, seen) : null;
    const found = new RowsByKey(this.options.keyOf);
    const refused = new Map<string, ProviderError>();
    scan?.rows.forEach((row) => found.add(row));
    // Rows may shift between pages: after such a scan a search confirms absence.
    const unsure = scan?.consistent ? [] : [...wanted].filter(([key]) => !found.has(key));
    const left = new Set(unsure.map(([key]) => key));
    let failure: ProviderError | null = null;
    try {
      // After a scan few keys are left, and leaving them out would cause another scan.
      const asked = scan ? unsure : unsure.slice(0, searches);
      await inParallel(asked, this.client.parallelCalls, async ([key, query]) => {
        try {
          const rows = await this.search(key, query, unsure.length > 1, context, seen);
          for (const row of rows) found.add(row);
        } catch (error) {
          if (!(error instanceof ProviderError) || !error.isOfOneObject) throw error;
          refused.set(key, error);
        }
        left.delete(key);
      });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      failure = error;
    }
    return { rows: found.byKey, refused, left, failure };
  }

  private scanMayBeCheaper(keys: number): boolean {
    if (keys < MIN_KEYS_FOR_SCAN) return false;
    if (this.total === null || performance.now() - this.total.readAt > TOTAL_KEPT_MS) return true;
    return this.total.rows <= LIST_LIMIT && Math.ceil(this.total.rows / PAGE_SIZE) < keys;
  }

  /** Null when it costs more calls than `searches`, or is impossible. */
  private async scan(
    searches: number,
    context: CallContext,
    seen: (row: Row) => void,
  ): Promise<{ rows: Row[]; consistent: boolean } | null> {
    const rows = new Map<string, Row>();
    let counted = 0;
    let repeated = false;
    let pagesRead = 0;
    let total: number | null = null;
    try {
      for await (const page of pagesOf(this.client, { ...this.options.list, withTotal: true }, context)) {
        pagesRead += 1;
        counted += page.count;
        if (pagesRead === 1 && page.total !== null) {
          total = page.total;
          this.total = { rows: total, readAt: performance.now() };
        }
        for (const row of page.rows) {
          seen(row);
          repeated ||= rows.has(row.id);
          rows.set(row.id, row);
        }
        if (!page.more) break;
        const pagesLeft = total === null ? 1 : Math.ceil((total - counted) / page.limit);
        if (pagesLeft > searches || pagesRead > searches || (total ?? 0) > LIST_LIMIT) return null;
      }
    } catch (error) {
      // The list is too long, or refused as a whole. Searches may still work.
      if (error instanceof ProviderError && error.isOfOneObject) return null;
      throw error;
    }
    return { rows: [...rows.values()], consistent: !repeated && (total === null || total === counted) };
  }

  private async search(
    key: string,
    query: string,
    oneOfSeveral: boolean,
    context: CallContext,
    seen: (row: Row) => void,
  ): Promise<Row[]> {
    const matches: Row[] = [];
    const list = { ...this.options.list, query: { query }, oneOfSeveral };
    // To the last page: the exact match may come after any number of near ones.
    for await (const page of pagesOf(this.client, list, context)) {
      page.rows.forEach(seen);
      matches.push(...page.rows.filter((row) => this.options.keyOf(row) === key));
    }
    return matches;
  }
}

class RowsByKey<Row extends { id: string }> {
  readonly byKey = new Map<string, Row[]>();

  constructor(private readonly keyOf: (row: Row) => string | null) {}

  has(key: string): boolean {
    return this.byKey.has(key);
  }

  add(row: Row): void {
    const key = this.keyOf(row);
    if (key === null) return;
    const rows = this.byKey.get(key) ?? [];
    if (!rows.some((other) => other.id === row.id)) rows.push(row);
    this.byKey.set(key, rows);
  }
}
