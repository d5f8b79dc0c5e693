interface Ordered {
  readonly id: string;
  readonly orderKey: string;
  /** In lower case. */
  readonly searchText: string;
}

/** Stands between the texts of two rows, where no search text holds it. */
const BETWEEN = '\u0000';

function compare(a: Ordered, b: Ordered): number {
  if (a.orderKey !== b.orderKey) return a.orderKey < b.orderKey ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * Rows by name, then id, sorted when somebody looks. Name order is the unkind choice on purpose: a row added or
 * renamed while a client pages shifts the ones after it, as PagerDuty's lists (no snapshot) may.
 */
export class NameOrder<T extends Ordered> {
  private readonly rows: T[] = [];
  private sorted = true;
  private searchable: { text: string; ends: number[] } | undefined;

  add(row: T): void {
    this.rows.push(row);
    this.changed();
  }

  remove(row: T): void {
    const index = this.rows.indexOf(row);
    if (index >= 0) this.rows.splice(index, 1);
    this.searchable = undefined;
  }

  /** To be called after a row's key or text is another. */
  changed(): void {
    this.sorted = false;
    this.searchable = undefined;
  }

  all(): readonly T[] {
    if (!this.sorted) {
      this.rows.sort(compare);
      this.sorted = true;
    }
    return this.rows;
  }

  /** The rows whose text holds `part` (in lower case), in order. */
  matching(part: string): readonly T[] {
    const rows = this.all();
    if (part === '') return rows;
    if (part.includes(BETWEEN)) return [];
    // One long text is searched about fifty times faster than twenty thousand short ones.
    const { text, ends } = (this.searchable ??= this.searchableText());
    const found: T[] = [];
    let row = 0;
    for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, ends[row])) {
      row = rowAt(ends, at, row);
      const match = rows[row];
      if (match) found.push(match);
    }
    return found;
  }

  static sort<R extends Ordered>(rows: R[]): R[] {
    return rows.sort(compare);
  }

  private searchableText(): { text: string; ends: number[] } {
    const texts = this.all().map(({ searchText }) => searchText.replaceAll(BETWEEN, ' '));
    let end = -1;
    const ends = texts.map((text) => (end += text.length + BETWEEN.length));
    return { text: texts.join(BETWEEN), ends };
  }
}

/** The first row from `from` on that ends behind `position`. */
function rowAt(ends: readonly number[], position: number, from: number): number {
  let low = from;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
