import type { BoundFilter } from './bind';

/** The top-level attributes that a filter looks at, by canonical name: what it does not mention need not be read. */
export function mentionedIn(filter: BoundFilter): ReadonlySet<string> {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return new Set(filter.terms.flatMap((term) => [...mentionedIn(term)]));
    case 'not':
      return mentionedIn(filter.term);
    case 'constant':
      return new Set();
    case 'compare':
    case 'present':
    case 'elements':
      return new Set([filter.steps[0].name]);
  }
}
