import fc from '../../../test/support/properties';
import { ScimError } from '../messages/scim-error';
import type { Filter, ValueFilter } from './ast';
import { parseFilter, parseValuePath } from './parser';
import { printFilter } from './print';

/** The examples of RFC 7644 §3.4.2.2, figure 2, and similar filters, all in canonical form. */
const CANONICAL = [
  'userName eq "bjensen"',
  'name.familyName co "O\'Malley"',
  'userName sw "J"',
  'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
  'title pr',
  'meta.lastModified gt "2011-05-13T04:42:34Z"',
  'meta.lastModified ge "2011-05-13T04:42:34Z"',
  'meta.lastModified lt "2011-05-13T04:42:34Z"',
  'meta.lastModified le "2011-05-13T04:42:34Z"',
  'title pr and userType eq "Employee"',
  'title pr or userType eq "Intern"',
  'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
  'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
  'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
  'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
  'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
  'active eq true',
  'x eq null',
  'x eq 0',
  'id eq "g" and members eq "u"',
  'manager.$ref pr',
  'a pr and b pr or c pr and not (d pr)',
];

/** Other spellings of a filter with the canonical one. Some use Entra's sub-attribute after the bracket. */
const OTHERWISE: [written: string, canonical: string][] = [
  ['userType eq "Employee" and (emails.type eq "work")', 'userType eq "Employee" and emails.type eq "work"'],
  ['USERNAME EQ "x" AND NOT(active PR)', 'USERNAME eq "x" and not (active pr)'],
  ['active eq False', 'active eq false'],
  ['x eq -1.5e3', 'x eq -1500'],
  ['x eq -0', 'x eq 0'],
  ['displayName eq "a \\"quoted\\" \\u00e9 \\\\ \\/ name"', 'displayName eq "a \\"quoted\\" é \\\\ / name"'],
  [
    'emails[type eq "work"].value eq "ada@example.com"',
    'emails[type eq "work" and value eq "ada@example.com"]',
  ],
  [
    'emails[type eq "work" or type eq "home"].value pr',
    'emails[(type eq "work" or type eq "home") and value pr]',
  ],
  ['  a   pr\tor b  pr ', 'a pr or b pr'],
];

describe('a filter', () => {
  it.each(CANONICAL)('reads %s and prints it again', (text) => {
    expect(printFilter(parseFilter(text))).toBe(text);
  });

  it.each(OTHERWISE)('reads %s as %s', (text, canonical) => {
    expect(printFilter(parseFilter(text))).toBe(canonical);
  });

  it('binds "and" tighter than "or" and "not" tightest', () => {
    expect(parseFilter('a pr or b pr and not (c pr)')).toMatchObject({
      kind: 'or',
      terms: [{ path: { name: 'a' } }, { kind: 'and', terms: [{ path: { name: 'b' } }, { kind: 'not' }] }],
    });
  });

  it('separates the URN from the attribute, with or without dots in the URN', () => {
    expect(
      parseFilter('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "x"'),
    ).toMatchObject({
      path: {
        urn: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
        name: 'manager',
        sub: 'value',
      },
    });
  });

  it.each([
    ['', 1],
    ['userName', 9],
    ['userName eq', 12],
    ['userName eq bjensen', 13],
    ['userName = "x"', 10],
    ['userName is "x"', 10],
    ['userName eq "x', 13],
    ["userName eq 'x'", 13],
    ['userName eq "\\x"', 13],
    ['userName eq "a\\u0000b"', 13],
    ['userName eq "\\ud800"', 13],
    ['userName eq "x" userType pr', 17],
    ['userName eq "x" and', 20],
    ['(userName pr', 13],
    ['userName pr)', 12],
    ['not userName pr', 5],
    ['emails[type eq "work"', 22],
    ['emails[]', 8],
    ['emails[a[b pr]]', 9],
    ['a.b.c pr', 1],
    ['1a pr', 1],
    ['x eq 01', 6],
    ['x eq 1e999', 6],
    ['x eq 1.', 6],
    ['x eq tru', 6],
    ['a pr nor b pr', 6],
    ['emails[type pr].value', 22],
  ])('refuses %j at position %i', (text, position) => {
    expect(refusalOf(() => parseFilter(text))).toMatchObject({
      status: 400,
      scimType: 'invalidFilter',
      detail: expect.stringContaining(`at position ${position}:`) as string,
    });
  });

  it.each([
    ['longer than 8 KiB', `userName eq "${'x'.repeat(8200)}"`],
    ['nested deeper than 20', `${'('.repeat(21)}a pr${')'.repeat(21)}`],
    ['of more than 200 comparisons', Array.from({ length: 201 }, () => 'a pr').join(' or ')],
  ])('refuses a filter %s', (_, text) => {
    expect(refusalOf(() => parseFilter(text)).scimType).toBe('invalidFilter');
  });

  it.each([
    ['20 deep', `${'('.repeat(20)}a pr${')'.repeat(20)}`],
    ['of 200 comparisons', Array.from({ length: 200 }, () => 'a pr').join(' or ')],
  ])('takes a filter %s', (_, text) => {
    expect(() => parseFilter(text)).not.toThrow();
  });

  it('parses the printed text of any tree back to the same tree', () => {
    fc.assert(
      fc.property(filterTree, (tree) => {
        expect(withoutPositions(parseFilter(printFilter(tree)))).toEqual(withoutPositions(tree));
      }),
    );
  });

  it('is read or refused with a ScimError for any text', () => {
    const fragment = fc.constantFrom(
      ...[
        'userName',
        'emails',
        ' ',
        ' eq ',
        ' pr',
        '(',
        ')',
        '[',
        ']',
        '"x"',
        '"',
        '\\',
        'not',
        ' and ',
        ' or ',
      ],
      ...['.value', 'urn:a:b:', '1', '-', 'null', 'true', '\u0000', '\ud800', '$ref', ','],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        for (const parse of [parseFilter, parseValuePath]) {
          try {
            parse(input);
          } catch (error) {
            expect(error).toBeInstanceOf(ScimError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a PATCH path', () => {
  it.each([
    ['members', { path: { name: 'members' }, filter: null, sub: null }],
    ['name.familyName', { path: { name: 'name', sub: 'familyName' }, filter: null }],
    ['addresses[type eq "work"]', { path: { name: 'addresses' }, filter: { kind: 'compare' }, sub: null }],
    ['members[value eq "2819c223"].displayName', { filter: { kind: 'compare' }, sub: 'displayName' }],
    [
      'urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value',
      { path: { urn: 'urn:ietf:params:scim:schemas:core:2.0:User', name: 'emails' }, sub: 'value' },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseValuePath(text)).toMatchObject(expected);
  });

  it.each([
    ['', 'invalidPath'],
    ['a b', 'invalidPath'],
    ['.value', 'invalidPath'],
    ['emails[type eq "work"]value', 'invalidPath'],
    ['emails[type eq "work"].a.b', 'invalidPath'],
    ['/userName', 'invalidPath'],
    ['emails[type eq work]', 'invalidFilter'],
    ['emails[type eq "work"', 'invalidFilter'],
    ['emails[]', 'invalidFilter'],
  ])('refuses %j as %s', (text, scimType) => {
    expect(refusalOf(() => parseValuePath(text)).scimType).toBe(scimType);
  });
});

function refusalOf(action: () => unknown): ScimError {
  try {
    action();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const name = fc.oneof(
  fc.constantFrom('userName', '$ref', 'not', 'and', 'eq', 'true'),
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/),
);
const path = fc.record({
  urn: fc.constantFrom(null, 'urn:ietf:params:scim:schemas:core:2.0:User', 'urn:x:y'),
  name,
  sub: fc.option(name),
});
const literal = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => !/[\0\p{Surrogate}]/u.test(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.boolean(),
  fc.constant(null),
);
const position = fc.constant(0);
const attributeFilter = fc.oneof(
  fc.record({
    kind: fc.constant('compare' as const),
    path,
    position,
    operator: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
    value: literal,
  }),
  fc.record({ kind: fc.constant('present' as const), path, position }),
);

function logical<T>(term: fc.Arbitrary<T>) {
  return fc.oneof(
    fc.record({
      kind: fc.constantFrom('and', 'or'),
      terms: fc.array(term, { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), term }),
  );
}

function nested<T>(leaf: fc.Arbitrary<T>): fc.Arbitrary<T> {
  let tree = leaf;
  for (let level = 0; level < 3; level++) tree = fc.oneof(leaf, logical(tree) as fc.Arbitrary<T>);
  return tree;
}

const valueFilter = nested(attributeFilter as fc.Arbitrary<ValueFilter>);
const valuePath = fc.record({ kind: fc.constant('valuePath' as const), path, position, filter: valueFilter });
const filterTree = nested(
  fc.oneof(attributeFilter as fc.Arbitrary<Filter>, valuePath as fc.Arbitrary<Filter>),
);

function withoutPositions(filter: Filter): unknown {
  return JSON.parse(
    JSON.stringify(filter, (key, value: unknown) => (key === 'position' ? undefined : value)),
  );
}
