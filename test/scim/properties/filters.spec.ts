import fc from '../../support/properties';
import type { AttributeFilter, Filter, Literal, ValueFilter } from '../../../src/scim/filter/ast';
import { bindFilter } from '../../../src/scim/filter/bind';
import { matches } from '../../../src/scim/filter/evaluate';
import { printFilter } from '../../../src/scim/filter/print';
import { ScimError } from '../../../src/scim/messages/scim-error';
import { parseAttributePath } from '../../../src/scim/schema/attribute-path';
import { USER } from '../../../src/scim/schema/registry';
import type { TestIntegration } from '../../support/scimify';
import { expectList, expectScimError, type Resource } from '../support/expectations';
import { serverOfThisFile } from '../support/server';
import { CORE_USER, ENTERPRISE, SEARCH_REQUEST } from '../support/urns';

const USERS = 60;

/** Few characters, so that filters hit: case, accents in both normal forms, wildcards, quotes, both ends of Unicode. */
const text = fc
  .array(
    fc.constantFrom(
      ...['a', 'A', 'b', 'é', 'e\u0301', 'É', 'İ', 'ß', 'σ', 'Σ', ' ', '%', '_', '"', "'", '\\', '\n', '('],
      ...['&', '+', '\ud7ff', '\uffff', '😀', '\u{10ffff}'],
    ),
    { maxLength: 4 },
  )
  .map((characters) => characters.join(''));

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const typed = fc.record(
  { value: text, type: fc.constantFrom('work', 'Work', 'home', 'other'), display: text },
  { requiredKeys: ['value'] },
);

const person = fc.record({
  name: maybe(fc.record({ givenName: text, familyName: text }, { requiredKeys: [] })),
  displayName: maybe(text),
  nickName: maybe(text),
  title: maybe(text),
  active: fc.boolean(),
  emails: maybe(fc.array(typed, { maxLength: 3 })),
  roles: maybe(fc.array(typed, { maxLength: 2 })),
  [ENTERPRISE]: maybe(
    fc.record({ department: text, manager: fc.record({ value: text }) }, { requiredKeys: [] }),
  ),
});

const TEXT_PATHS = [
  ...['userName', 'USERNAME', `${CORE_USER}:userName`, 'displayName', 'externalId', 'nickName', 'title'],
  ...[
    'name.givenName',
    'name.familyName',
    'emails',
    'emails.value',
    'emails.type',
    'emails.display',
    'roles',
  ],
  ...[`${ENTERPRISE}:department`, `${ENTERPRISE}:manager`, `${ENTERPRISE}:manager.value`],
  ...['id', 'groups', 'groups.display', 'meta.resourceType', 'meta.version', 'schemas', 'nonsense'],
];
const WHOLE_PATHS = ['name', 'active', 'meta', 'meta.created', 'addresses', 'password', ENTERPRISE];
const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;

describe('a filter', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let resources: Resource[];

  beforeAll(async () => {
    integration = await server.freshIntegration();
    const { scim } = integration;
    // The same people in every run; a failure then names the seed of the filters alone.
    const people = fc.sample(person, { numRuns: USERS, seed: 20_240_601 });
    const ids = await Promise.all(
      people.map(async (attributes, n) => {
        const answer = await scim.post('/Users', {
          schemas: [CORE_USER, ENTERPRISE],
          userName: `${attributes.title ?? 'x'}${attributes.nickName ?? ''}-${n}`,
          ...(n % 3 === 0 ? {} : { externalId: `${attributes.title ?? ''}${n}` }),
          ...attributes,
        });
        expect(answer.status).toBe(201);
        return answer.body.id as string;
      }),
    );
    for (const [n, displayName] of ['Plätform', 'On-call'].entries()) {
      await scim.createGroup(
        displayName,
        ids.filter((_, user) => user % (n + 3) === 0),
      );
    }
    resources = expectList(await scim.get('/Users?count=200'), USERS);
  });

  it('finds on the server whoever it matches in memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        filterOn(resources),
        fc.constantFrom('index', 'cursor', 'post'),
        async (filter, how) => {
          const written = printFilter(filter);
          const query = new URLSearchParams({ filter: written, attributes: 'userName', count: '200' });
          if (how === 'cursor') query.set('cursor', '');
          const answer =
            how === 'post'
              ? await integration.scim.post('/Users/.search', {
                  schemas: [SEARCH_REQUEST],
                  filter: written,
                  count: 200,
                })
              : await integration.scim.get(`/Users?${query.toString()}`);
          const expected = idsThatMatch(filter, resources);
          if (expected === null) {
            expectScimError(answer, 400, 'invalidFilter');
            return;
          }
          const found = expectList(answer, how === 'cursor' ? undefined : expected.length);
          expect(found.map(({ id }) => id as string)).toEqual(expected);
        },
      ),
      { numRuns: 600 },
    );
  }, 60_000);
});

/** @returns null for a filter that compares values which cannot be compared */
function idsThatMatch(filter: Filter, resources: readonly Resource[]): string[] | null {
  try {
    const bound = bindFilter(USER, filter);
    return resources.filter((resource) => matches(bound, resource)).map(({ id }) => id as string);
  } catch (error) {
    if (error instanceof ScimError) return null;
    throw error;
  }
}

/** Filters about the values of these resources, or about similar values. */
function filterOn(resources: readonly Resource[]): fc.Arbitrary<Filter> {
  const known = [...new Set(textsIn(resources))];
  const literal = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...known).chain(likeIt) },
    { weight: 2, arbitrary: text },
    { weight: 1, arbitrary: fc.constantFrom<Literal>(null, true, false, 'True', 5, '2030-01-01T00:00:00Z') },
  );
  const comparison = (paths: readonly string[]) =>
    fc
      .tuple(fc.constantFrom(...paths), fc.constantFrom(...OPERATORS), literal)
      .map(([path, operator, value]): AttributeFilter => ({
        kind: 'compare',
        ...at(path),
        operator,
        value,
      }));
  const presence = (paths: readonly string[]) =>
    fc.constantFrom(...paths).map((path): AttributeFilter => ({ kind: 'present', ...at(path) }));

  const inner = ['value', 'type', 'display', 'primary', 'nonsense'];
  const valueFilter = nested<ValueFilter>(fc.oneof(comparison(inner), presence(inner)), 2);
  const valuePath = fc
    .tuple(fc.constantFrom('emails', 'roles', 'groups'), valueFilter)
    .map(([path, filter]): Filter => ({ kind: 'valuePath', ...at(path), filter }));
  const instant = fc
    .tuple(fc.constantFrom('meta.created', 'meta.lastModified'), fc.constantFrom(...OPERATORS), fc.nat())
    .map(([path, operator, n]): Filter => {
      const { meta } = resources[n % resources.length]!;
      return { kind: 'compare', ...at(path), operator, value: meta.created as string };
    });
  return nested<Filter>(
    fc.oneof(
      { weight: 6, arbitrary: comparison(TEXT_PATHS) },
      { weight: 2, arbitrary: presence([...TEXT_PATHS, ...WHOLE_PATHS]) },
      { weight: 1, arbitrary: comparison(WHOLE_PATHS) },
      { weight: 2, arbitrary: valuePath },
      { weight: 1, arbitrary: instant },
    ),
    3,
  );
}

function at(path: string) {
  return { path: parseAttributePath(path)!, position: 1 };
}

function nested<T>(leaf: fc.Arbitrary<T>, depth: number): fc.Arbitrary<T> {
  if (depth === 0) return leaf;
  const term = nested(leaf, depth - 1);
  const logical = fc.record({
    kind: fc.constantFrom('and', 'or'),
    terms: fc.array(term, { minLength: 2, maxLength: 3 }),
  });
  const negation = fc.record({ kind: fc.constant('not'), term });
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    { weight: 2, arbitrary: logical as fc.Arbitrary<T> },
    { weight: 1, arbitrary: negation as fc.Arbitrary<T> },
  );
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) yield* textsIn(part);
  }
}

/** The text itself, in another case or normal form, or a part of it; never half of a character. */
function likeIt(known: string): fc.Arbitrary<string> {
  const characters = [...known];
  return fc.oneof(
    fc.constantFrom(known, known.toUpperCase(), known.toLowerCase(), known.normalize('NFD')),
    fc.nat(characters.length).map((end) => characters.slice(0, end).join('')),
    fc.nat(characters.length).map((start) => characters.slice(start).join('')),
  );
}
