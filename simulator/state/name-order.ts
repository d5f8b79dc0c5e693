interface Ordered {
  readonly id: string;
  readonly orderKey: string;
  /** In lower case. */
  readonly searchText: string;
}

/** Separates the texts of two rows. No search text contains it. */
const SEPARATOR = '\u0000';

function compare(a: Ordered, b: Ordered): number {
  if (a.orderKey !== b.orderKey) return a.orderKey < b.orderKey ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * Rows by name, then id. They are sorted on the next read. The name order is chosen on purpose as the hard case for a
 * client: a row added or renamed between two pages shifts the rows after it, as can happen in PagerDuty (no snapshot).
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

  /** Call it after a change of a row's key or text. */
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

  /** The rows whose text contains `part` (in lower case), in order. */
  matching(part: string): readonly T[] {
    const rows = this.all();
    if (part === '') return rows;
    if (part.includes(SEPARATOR)) return [];
    // A search in one long text is about fifty times faster than in twenty thousand short texts.
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
    const texts = this.all().map(({ searchText }) => searchText.replaceAll(SEPARATOR, ' '));
    let end = -1;
    const ends = texts.map((text) => (end += text.length + SEPARATOR.length));
    return { text: texts.join(SEPARATOR), ends };
  }
}

/** The first row, starting at `from`, that ends after `position`. */
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
