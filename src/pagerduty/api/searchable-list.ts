import type { CallContext } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { inParallel } from './call-slots';
import type { PagerDutyClient } from './client';
import { LIST_LIMIT, PAGE_SIZE, pagesOf, type ListRequest } from './paging';

export interface SearchableListOptions<Row> {
  list: Omit<ListRequest<Row>, 'query' | 'withTotal'>;
  /** Rows of equal keys are what a caller asks for by that key; null for a row that nobody can ask for. */
  keyOf: (row: Row) => string | null;
}

// A list whose length is unknown costs one call to look at; from three keys on that call may pay for itself.
const FEWEST_KEYS_TO_SCAN_FOR = 3;
const TOTAL_KEPT_MS = 5 * 60_000;

/**
 * A list of PagerDuty's that can be searched (`query` is a substring search over names and addresses, never a look-up), read in the
 * fewest calls: one search for each key, or the whole list where that has fewer pages than there are keys.
 */
export class SearchableList<Row extends { id: string }> {
  private total: { rows: number; readAt: number } | null = null;

  constructor(
    private readonly client: PagerDutyClient,
    private readonly options: SearchableListOptions<Row>,
  ) {}

  /**
   * @param wanted what to search for, by key
   * @returns rows by key, a key without any being absent; after a scan of the whole list, also by keys that nobody asked for
   */
  async find(wanted: ReadonlyMap<string, string>, context: CallContext): Promise<Map<string, Row[]>> {
    const scan = this.scanMayPay(wanted.size) ? await this.scan(wanted.size, context) : null;
    const found = new RowsByKey(this.options.keyOf);
    scan?.rows.forEach((row) => found.add(row));
    // Rows may shift between pages: after such a scan, absence is confirmed by a search.
    const unsure = scan?.consistent ? [] : [...wanted].filter(([key]) => !found.has(key));
    await inParallel(unsure, this.client.parallelCalls, async ([key, query]) => {
      for (const row of await this.search(key, query, context)) found.add(row);
    });
    return found.byKey;
  }

  private scanMayPay(keys: number): boolean {
    if (keys < FEWEST_KEYS_TO_SCAN_FOR) return false;
    if (this.total === null || Date.now() - this.total.readAt > TOTAL_KEPT_MS) return true;
    return this.total.rows <= LIST_LIMIT && Math.ceil(this.total.rows / PAGE_SIZE) < keys;
  }

  /** Null where it turned out dearer than `searches`, or impossible. */
  private async scan(
    searches: number,
    context: CallContext,
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
          this.total = { rows: total, readAt: Date.now() };
        }
        for (const row of page.rows) {
          repeated ||= rows.has(row.id);
          rows.set(row.id, row);
        }
        if (!page.more) break;
        const pagesLeft = total === null ? 1 : Math.ceil((total - counted) / page.limit);
        if (pagesLeft > searches || pagesRead > searches || (total ?? 0) > LIST_LIMIT) return null;
      }
    } catch (error) {
      if (error instanceof ProviderError && error.reason === 'list_too_long') return null;
      throw error;
    }
    return { rows: [...rows.values()], consistent: !repeated && (total === null || total === counted) };
  }

  private async search(key: string, query: string, context: CallContext): Promise<Row[]> {
    const matches: Row[] = [];
    // To the last page: the exact match may stand behind any number of near ones.
    for await (const page of pagesOf(this.client, { ...this.options.list, query: { query } }, context)) {
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
