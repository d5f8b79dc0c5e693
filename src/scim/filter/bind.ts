import { fold } from '../../directory/fold';
import { quoted, ScimError } from '../messages/scim-error';
import type { Attribute, AttributeType } from '../schema/attribute';
import { printAttributePath, type AttributePath } from '../schema/attribute-path';
import { parseDateTime } from '../schema/date-time';
import type { ResourceType } from '../schema/registry';
import type {
  Comparison,
  ComparisonOperator,
  Filter,
  Literal,
  Presence,
  ValueFilter,
  ValuePath,
} from './ast';

/** The path from the filtered object to the compared attribute. */
export type Steps = readonly [Attribute, ...Attribute[]];

/**
 * A filter with resolved attributes and checked comparisons. Literals are already converted for the comparison: folded
 * unless the attribute is caseExact, epoch milliseconds for instants.
 */
export type BoundFilter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly BoundFilter[] }
  | { readonly kind: 'not'; readonly term: BoundFilter }
  | BoundComparison
  | { readonly kind: 'present'; readonly steps: Steps }
  | { readonly kind: 'elements'; readonly steps: Steps; readonly filter: BoundFilter }
  /** The attribute does not exist, so the answer is the same for every resource. */
  | { readonly kind: 'constant'; readonly value: boolean };

export interface BoundComparison {
  readonly kind: 'compare';
  readonly steps: Steps;
  readonly operator: ComparisonOperator;
  readonly value: Literal;
  readonly as: ComparisonKind;
}

/** How the stored value is converted before the comparison. */
export type ComparisonKind = 'exact-text' | 'folded-text' | 'instant' | 'number' | 'boolean';

type ResolvePath = (path: AttributePath) => Steps | null;

/**
 * @throws ScimError 400 invalidFilter for a comparison that the attribute does not allow. An unknown attribute is no
 *   error: it has no value (RFC 7644 §3.4.2.1)
 */
export function bindFilter(type: ResourceType, filter: Filter): BoundFilter {
  return bind(filter, (path) => {
    const resolution = type.resolve(path);
    return resolution.kind === 'attribute' ? resolution.steps : null;
  });
}

/** Binds the filter in the brackets after a complex attribute. @throws ScimError 400 invalidFilter */
export function bindValueFilter(attribute: Attribute, filter: ValueFilter): BoundFilter {
  return bind(filter, (path) => {
    const sub = path.sub === null ? attribute.subAttribute.get(path.name.toLowerCase()) : undefined;
    return sub === undefined ? null : [sub];
  });
}

function bind(filter: Filter, resolvePath: ResolvePath): BoundFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, terms: filter.terms.map((term) => bind(term, resolvePath)) };
    case 'not':
      return { kind: 'not', term: bind(filter.term, resolvePath) };
    case 'compare':
      return bindComparison(filter, resolvePath(filter.path));
    case 'present': {
      const steps = resolvePath(filter.path);
      return steps === null ? { kind: 'constant', value: false } : { kind: 'present', steps };
    }
    case 'valuePath':
      return bindValuePath(filter, resolvePath(filter.path));
  }
}

function bindValuePath(filter: ValuePath, steps: Steps | null): BoundFilter {
  if (steps === null) return { kind: 'constant', value: false };
  const attribute = steps.at(-1)!;
  if (attribute.type !== 'complex') {
    throw refuse(filter, 'has no sub-attributes to put into brackets');
  }
  return { kind: 'elements', steps, filter: bindValueFilter(attribute, filter.filter) };
}

function bindComparison(filter: Comparison, steps: Steps | null): BoundFilter {
  const { operator, value: literal } = filter;
  if (steps === null) return { kind: 'constant', value: comparesToNothing(operator, literal) };
  if (literal === null) {
    if (operator !== 'eq' && operator !== 'ne')
      throw refuse(filter, `cannot be compared to null by ${operator}`);
    return { kind: 'compare', steps, operator, value: null, as: 'exact-text' };
  }

  const named = steps.at(-1)!;
  // RFC 7644 §3.4.2.2 compares a complex attribute by its `value`: `emails co "x"`, `members eq "id"`.
  const leaf = named.type === 'complex' ? named.subAttribute.get('value') : named;
  if (leaf === undefined) {
    const subs = named.subAttributes.map((sub) => sub.name).join(', ');
    throw refuse(filter, `is complex; compare one of its sub-attributes (${subs})`);
  }
  const { as, takes, operators, convert } = COMPARISONS[leaf.type](leaf);
  if (!operators.has(operator))
    throw refuse(filter, `is a ${leaf.type}, to which ${operator} does not apply`);
  // `co`, `sw` and `ew` search the text, because a part of a date is not a date.
  const inText = as === 'instant' && IN_TEXT.has(operator) && typeof literal === 'string';
  const value = inText ? literal : convert(literal);
  if (value === undefined) throw refuse(filter, `must be compared to ${takes}`);
  return {
    kind: 'compare',
    steps: leaf === named ? steps : [...steps, leaf],
    operator,
    value,
    as: inText ? 'exact-text' : as,
  };
}

/** An attribute without a value compares like null: it equals only null. */
function comparesToNothing(operator: ComparisonOperator, literal: Literal): boolean {
  if (operator === 'eq') return literal === null;
  return operator === 'ne' && literal !== null;
}

interface ComparisonRules {
  readonly as: ComparisonKind;
  readonly takes: string;
  readonly operators: ReadonlySet<ComparisonOperator>;
  /** Converts the literal for the comparison; undefined if it has the wrong type. */
  readonly convert: (literal: Exclude<Literal, null>) => Literal | undefined;
}

const EQUALITY: readonly ComparisonOperator[] = ['eq', 'ne'];
const ORDER: readonly ComparisonOperator[] = ['gt', 'ge', 'lt', 'le'];
const IN_TEXT: ReadonlySet<ComparisonOperator> = new Set(['co', 'sw', 'ew']);

const TEXT_OPERATORS = new Set([...EQUALITY, ...IN_TEXT, ...ORDER]);

function textRules(attribute: Attribute): ComparisonRules {
  return {
    as: attribute.caseExact ? 'exact-text' : 'folded-text',
    takes: 'a string in double quotes',
    operators: TEXT_OPERATORS,
    convert: (literal) => {
      if (typeof literal !== 'string') return undefined;
      return attribute.caseExact ? literal : fold(literal);
    },
  };
}

const NUMBER_RULES: ComparisonRules = {
  as: 'number',
  takes: 'a number',
  operators: new Set([...EQUALITY, ...ORDER]),
  convert: (literal) => (typeof literal === 'number' ? literal : undefined),
};

const BOOLEAN_RULES: ComparisonRules = {
  as: 'boolean',
  takes: 'true or false',
  operators: new Set(EQUALITY),
  convert: (literal) => {
    // Entra writes booleans as strings in filters too: roles[primary eq "True"].
    const text = typeof literal === 'string' ? literal.toLowerCase() : literal;
    if (text === true || text === 'true') return true;
    return text === false || text === 'false' ? false : undefined;
  },
};

const INSTANT_RULES: ComparisonRules = {
  as: 'instant',
  takes: 'a date and time like "2011-05-13T04:42:34Z"',
  operators: TEXT_OPERATORS,
  convert: (literal) => (typeof literal === 'string' ? (parseDateTime(literal) ?? undefined) : undefined),
};

/** RFC 7644 §3.4.2.2 table 3: the operators that each attribute type allows. */
const COMPARISONS: Record<AttributeType, (attribute: Attribute) => ComparisonRules> = {
  string: textRules,
  reference: textRules,
  binary: (attribute) => ({ ...textRules(attribute), operators: new Set([...EQUALITY, ...IN_TEXT]) }),
  boolean: () => BOOLEAN_RULES,
  decimal: () => NUMBER_RULES,
  integer: () => NUMBER_RULES,
  dateTime: () => INSTANT_RULES,
  complex: textRules,
};

function refuse(filter: Comparison | Presence | ValuePath, why: string): ScimError {
  return ScimError.invalidFilter(
    `The filter cannot be used at position ${filter.position}: ${quoted(printAttributePath(filter.path))} ${why}.`,
  );
}
