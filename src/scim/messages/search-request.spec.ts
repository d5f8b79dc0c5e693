import { type ScimError } from './scim-error';
import { readSearchBody, readSearchQuery } from './search-request';
import { MESSAGE_URNS } from './urns';

const DEFAULTS = {
  filter: null,
  sortBy: null,
  sortOrder: 'ascending',
  count: 100,
  startIndex: 1,
  cursor: null,
  attributes: [],
  excludedAttributes: [],
};

/** Parameters and the resulting request fields, for a query string and for a SearchRequest. */
const READ: [parameters: Record<string, unknown>, request: object][] = [
  [{}, {}],
  [{ startIndex: '0' }, { startIndex: 1 }],
  [{ startIndex: '-5' }, { startIndex: 1 }],
  [
    { startIndex: '101', count: '100' },
    { startIndex: 101, count: 100 },
  ],
  [{ startIndex: '99999999999999999999' }, { startIndex: Number.MAX_SAFE_INTEGER }],
  [{ count: '0' }, { count: 0 }],
  [{ count: '-1' }, { count: 0 }],
  [
    { cursor: '', count: '-1' },
    { cursor: '', count: 0 },
  ],
  [{ count: '201' }, { count: 200 }],
  [{ count: '2' }, { count: 2 }],
  [{ filter: 'userName pr' }, { filter: { kind: 'present' } }],
  [
    { sortBy: 'name.familyName', sortOrder: 'Descending' },
    { sortBy: { name: 'name', sub: 'familyName' }, sortOrder: 'descending' },
  ],
  [{ attributes: 'id, userName,' }, { attributes: ['id', 'userName'] }],
  [{ attributes: ['id', 'userName'] }, { attributes: ['id', 'userName'] }],
  [{ excludedAttributes: 'members' }, { excludedAttributes: ['members'] }],
  [{ cursor: '' }, { cursor: '' }],
  [
    { cursor: 'abc', count: '10' },
    { cursor: 'abc', count: 10 },
  ],
  [{ aadOptscim062020: '', unknown: ['a', 'b'] }, {}],
];

const REFUSED: [parameters: Record<string, unknown>, scimType: string][] = [
  [{ filter: 'userName' }, 'invalidFilter'],
  [{ count: 'ten' }, 'invalidValue'],
  [{ count: '1.5' }, 'invalidValue'],
  [{ startIndex: 'one' }, 'invalidValue'],
  [{ startIndex: [1] }, 'invalidValue'],
  [{ sortBy: 'a b' }, 'invalidPath'],
  [{ sortOrder: 'up' }, 'invalidValue'],
  [{ filter: ['id pr', 'id pr'] }, 'invalidValue'],
  [{ attributes: { a: 'b' } }, 'invalidValue'],
  [{ cursor: 'abc', count: 'x' }, 'invalidCount'],
  [{ cursor: '', count: '1.5' }, 'invalidCount'],
];

describe('a query', () => {
  it.each(READ)('%j in a URL', (parameters, request) => {
    expect(readSearchQuery(parameters)).toMatchObject({ ...DEFAULTS, ...request });
  });

  it.each(READ)('%j in a SearchRequest', (parameters, request) => {
    const body = { schemas: [MESSAGE_URNS.searchRequest], ...parameters };
    expect(readSearchBody(body)).toMatchObject({ ...DEFAULTS, ...request });
  });

  it.each(REFUSED)('is refused with %j', (parameters, scimType) => {
    const body = { schemas: [MESSAGE_URNS.searchRequest], ...parameters };
    for (const read of [() => readSearchQuery(parameters), () => readSearchBody(body)]) {
      expect(read).toThrow(expect.objectContaining({ status: 400, scimType }) as ScimError);
    }
  });

  it('ignores parameters that are empty', () => {
    const empty = { filter: '', sortBy: '', sortOrder: '', startIndex: '', count: '', attributes: '' };
    expect(readSearchQuery(empty)).toEqual(DEFAULTS);
  });

  it('takes numbers, nulls and names in any case in a SearchRequest', () => {
    const body = {
      Schemas: [MESSAGE_URNS.searchRequest.toLowerCase()],
      STARTINDEX: 5,
      Count: 3,
      filter: null,
      ExcludedAttributes: ['members'],
    };
    expect(readSearchBody(body)).toEqual({
      ...DEFAULTS,
      startIndex: 5,
      count: 3,
      excludedAttributes: ['members'],
    });
  });

  it.each([
    ['no object', []],
    ['other schemas', { schemas: [MESSAGE_URNS.patchOp] }],
    ['schemas that are no list', { schemas: MESSAGE_URNS.searchRequest }],
  ])('is refused in a SearchRequest with %s', (_, body) => {
    expect(() => readSearchBody(body)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }) as ScimError,
    );
  });
});
