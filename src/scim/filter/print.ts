import { printAttributePath } from '../schema/attribute-path';
import type { Filter } from './ast';

/** The canonical text of a filter. Parsing it gives the same tree. Attribute names keep their spelling. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'compare':
      return `${printAttributePath(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case 'present':
      return `${printAttributePath(filter.path)} pr`;
    case 'valuePath':
      return `${printAttributePath(filter.path)}[${printFilter(filter.filter)}]`;
    case 'not':
      return `not (${printFilter(filter.term)})`;
    case 'and':
      return filter.terms.map((term) => printTerm(term, isLogical(term))).join(' and ');
    case 'or':
      return filter.terms.map((term) => printTerm(term, term.kind === 'or')).join(' or ');
  }
}

function isLogical(filter: Filter): boolean {
  return filter.kind === 'and' || filter.kind === 'or';
}

function printTerm(filter: Filter, inParentheses: boolean): string {
  return inParentheses ? `(${printFilter(filter)})` : printFilter(filter);
}
