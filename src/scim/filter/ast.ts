import type { AttributePath } from '../schema/attribute-path';

export type ComparisonOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Literal = string | number | boolean | null;

/**
 * A filter as written (RFC 7644 §3.4.2.2), attributes not yet looked up. `position` is where the attribute stands in
 * the text, counted from 1, for error messages.
 */
export type Filter = AttributeFilter | Logical<Filter> | Negation<Filter> | ValuePath;

/** What may stand between `[` and `]`: everything but another bracket. */
export type ValueFilter = AttributeFilter | Logical<ValueFilter> | Negation<ValueFilter>;

export type AttributeFilter = Comparison | Presence;

export interface Comparison {
  readonly kind: 'compare';
  readonly path: AttributePath;
  readonly position: number;
  readonly operator: ComparisonOperator;
  readonly value: Literal;
}

export interface Presence {
  readonly kind: 'present';
  readonly path: AttributePath;
  readonly position: number;
}

/** At least two terms. */
export interface Logical<T> {
  readonly kind: 'and' | 'or';
  readonly terms: readonly T[];
}

export interface Negation<T> {
  readonly kind: 'not';
  readonly term: T;
}

/** `emails[type eq "work"]`: one and the same value matches all of the inner filter. */
export interface ValuePath {
  readonly kind: 'valuePath';
  readonly path: AttributePath;
  readonly position: number;
  readonly filter: ValueFilter;
}
