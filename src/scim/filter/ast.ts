import type { AttributePath } from '../schema/attribute-path';

export type ComparisonOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Literal = string | number | boolean | null;

/**
 * A parsed filter (RFC 7644 §3.4.2.2) before its attributes are resolved. `position` is the position of the attribute
 * in the text, from 1, for error messages.
 */
export type Filter = AttributeFilter | Logical<Filter> | Negation<Filter> | ValuePath;

/** The filter between `[` and `]`: anything except another bracket. */
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

/** `emails[type eq "work"]`: a single value must match the whole inner filter. */
export interface ValuePath {
  readonly kind: 'valuePath';
  readonly path: AttributePath;
  readonly position: number;
  readonly filter: ValueFilter;
}
