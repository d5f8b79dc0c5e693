import type { BoundFilter } from './bind';

/** Canonical names of the top-level attributes in a filter. The other attributes need not be read. */
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
