import { quoted, ScimError, type ScimType } from '../messages/scim-error';
import { parseAttributePath, type AttributePath } from '../schema/attribute-path';
import type { ComparisonOperator, Filter, Literal, ValueFilter } from './ast';
import { tokenize, type Token } from './lexer';

/** Limits of a filter: characters of its text, nesting of parentheses and brackets, number of comparisons. */
export const FILTER_LIMITS = { length: 8192, depth: 20, terms: 200 } as const;

/** `emails[type eq "work"].value` or a plain attribute path: the `path` of a PATCH (RFC 7644 §3.5.2). */
export interface ValuePathText {
  readonly path: AttributePath;
  readonly position: number;
  readonly filter: ValueFilter | null;
  /** The sub-attribute after the bracket. */
  readonly sub: string | null;
}

/**
 * Parses a filter (RFC 7644 §3.4.2.2) with two extensions. Entra's `emails[type eq "work"].value eq "x"` means
 * `emails[type eq "work" and value eq "x"]`, and keywords may have any case.
 *
 * @throws ScimError 400 invalidFilter; its detail names the position
 */
export function parseFilter(text: string): Filter {
  return new Parser(text, 'filter', 'invalidFilter').filterToEnd();
}

/**
 * Parses the grammar of a PATCH `path`.
 *
 * @throws ScimError 400 invalidPath, or invalidFilter for the filter in the brackets
 */
export function parseValuePath(text: string): ValuePathText {
  return new Parser(text, 'path', 'invalidPath').valuePathToEnd();
}

const OPERATORS: ReadonlySet<string> = new Set<ComparisonOperator>([
  'eq',
  'ne',
  'co',
  'sw',
  'ew',
  'gt',
  'ge',
  'lt',
  'le',
]);
const PASSWORD = /^(.*:)?password$/i;
const WORD_LITERALS: ReadonlyMap<string, Literal> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private depth = 0;
  private terms = 0;

  constructor(
    text: string,
    private readonly what: 'filter' | 'path',
    private scimType: ScimType,
  ) {
    if (text.length > FILTER_LIMITS.length) {
      throw this.error(`The ${what} is longer than ${FILTER_LIMITS.length} characters; shorten it.`);
    }
    this.tokens = tokenize(text);
  }

  filterToEnd(): Filter {
    const filter = this.disjunction(() => this.filterTerm());
    this.expect('end', '"and", "or" or the end of the filter');
    return filter;
  }

  valuePathToEnd(): ValuePathText {
    const { path, position } = this.attributePath();
    let filter: ValueFilter | null = null;
    let sub: string | null = null;
    if (this.peek().kind === '[') {
      filter = this.bracketed();
      const token = this.peek();
      if (token.kind === 'sub') {
        sub = token.name;
        this.next++;
      }
    }
    this.expect('end', 'the end of the path');
    return { path, position, filter, sub };
  }

  private disjunction<T>(term: () => T): T | { kind: 'or' | 'and'; terms: T[] } {
    return this.chain('or', () => this.chain('and', term)) as T | { kind: 'or' | 'and'; terms: T[] };
  }

  private chain<T, K extends 'and' | 'or'>(kind: K, term: () => T): T | { kind: K; terms: T[] } {
    const first = term();
    const terms = [first];
    while (this.takeWord(kind)) terms.push(term());
    return terms.length === 1 ? first : { kind, terms };
  }

  private filterTerm(): Filter {
    const group = this.group(() => this.disjunction(() => this.filterTerm()));
    if (group !== null) return group;
    const { path, position } = this.attributePath();
    if (this.peek().kind !== '[') return this.attributeFilter(path, position);
    const filter = this.bracketed();
    const token = this.peek();
    if (token.kind !== 'sub') return { kind: 'valuePath', path, position, filter };
    this.next++;
    const inner = this.attributeFilter({ urn: null, name: token.name, sub: null }, token.position);
    const terms = filter.kind === 'and' ? [...filter.terms, inner] : [filter, inner];
    return { kind: 'valuePath', path, position, filter: { kind: 'and', terms } };
  }

  private valueFilterTerm(): ValueFilter {
    const group = this.group(() => this.disjunction(() => this.valueFilterTerm()));
    if (group !== null) return group;
    const { path, position } = this.attributePath();
    return this.attributeFilter(path, position);
  }

  /** `( … )` or `not ( … )`; null if neither starts here. */
  private group<T>(content: () => T): T | { kind: 'not'; term: T } | null {
    const negated = this.isWord(this.peek(), 'not') && this.tokens[this.next + 1]?.kind === '(';
    if (negated) this.next++;
    if (this.peek().kind !== '(') return null;
    const term = this.nested(content);
    this.expect(')', '")"');
    return negated ? { kind: 'not', term } : term;
  }

  private bracketed(): ValueFilter {
    const outside = this.scimType;
    // RFC 7644 §3.12: invalidFilter is also for the filter in a PATCH path.
    this.scimType = 'invalidFilter';
    const filter: ValueFilter = this.nested(() => this.disjunction(() => this.valueFilterTerm()));
    this.expect(']', '"]"');
    this.scimType = outside;
    return filter;
  }

  /** Parses the content after an opening parenthesis or bracket. */
  private nested<T>(content: () => T): T {
    const open = this.peek();
    this.next++;
    if (++this.depth > FILTER_LIMITS.depth) {
      throw this.error(
        `The ${this.what} is nested more than ${FILTER_LIMITS.depth} deep at position ${open.position}; simplify it.`,
      );
    }
    const result = content();
    this.depth--;
    return result;
  }

  private attributeFilter(path: AttributePath, position: number): ValueFilter {
    if (++this.terms > FILTER_LIMITS.terms) {
      throw this.error(
        `The ${this.what} has more than ${FILTER_LIMITS.terms} comparisons at position ${position}; split the request.`,
      );
    }
    const token = this.peek();
    const word = token.kind === 'word' ? token.text.toLowerCase() : '';
    if (word === 'pr') {
      this.next++;
      return { kind: 'present', path, position };
    }
    if (!OPERATORS.has(word)) throw this.unexpected('an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)');
    this.next++;
    return { kind: 'compare', path, position, operator: word as ComparisonOperator, value: this.literal() };
  }

  private literal(): Literal {
    const token = this.peek();
    const expected = 'a value: a string in double quotes, a number, true, false or null';
    let value: Literal | undefined;
    if (token.kind === 'string' || token.kind === 'number') value = token.value;
    else if (token.kind === 'word') value = WORD_LITERALS.get(token.text.toLowerCase());
    if (value === undefined) throw this.unexpected(expected);
    this.next++;
    return value;
  }

  private attributePath(): { path: AttributePath; position: number } {
    const token = this.peek();
    const path = token.kind === 'word' ? parseAttributePath(token.text) : null;
    if (path === null) throw this.unexpected('the name of an attribute');
    this.next++;
    return { path, position: token.position };
  }

  /** The last token is `end` or `bad`, and the parser does not move past it. */
  private peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)]!;
  }

  private isWord(token: Token, word: string): boolean {
    return token.kind === 'word' && token.text.toLowerCase() === word;
  }

  private takeWord(word: string): boolean {
    if (!this.isWord(this.peek(), word)) return false;
    this.next++;
    return true;
  }

  private expect(kind: ')' | ']' | 'end', expected: string): void {
    if (this.peek().kind !== kind) throw this.unexpected(expected);
    this.next++;
  }

  private unexpected(expected: string): ScimError {
    const token = this.peek();
    // Text next to the attribute `password` may be a password, so the message must not repeat it.
    const mayBeSaid = !this.tokens.some((other) => other.kind === 'word' && PASSWORD.test(other.text));
    const instead = mayBeSaid && token.kind !== 'bad' ? `found ${describe(token)}, ` : '';
    const found = token.kind === 'bad' ? token.problem : `${instead}expected ${expected}`;
    return this.error(`The ${this.what} cannot be read at position ${token.position}: ${found}.`);
  }

  private error(detail: string): ScimError {
    return new ScimError(400, this.scimType, detail);
  }
}

function describe(token: Exclude<Token, { kind: 'bad' }>): string {
  switch (token.kind) {
    case 'word':
      return quoted(token.text);
    case 'string':
      return `the string ${quoted(token.value)}`;
    case 'number':
      return `the number ${token.value}`;
    case 'sub':
      return quoted(`.${token.name}`);
    case 'end':
      return 'the end';
    case '(':
    case ')':
    case '[':
    case ']':
      return `"${token.kind}"`;
  }
}
