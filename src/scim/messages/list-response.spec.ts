import { listResponse, listResponseFrame } from './list-response';

describe('a list', () => {
  it('says what it is', () => {
    expect(listResponse({ totalResults: 1, startIndex: 1, itemsPerPage: 1 }, ['x'])).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 1,
      startIndex: 1,
      itemsPerPage: 1,
      Resources: ['x'],
    });
  });

  const lists: object[][] = [[], [{ a: ']}' }], [{ a: 1 }, { b: 2 }]];
  it.each(lists.map((resources) => ({ resources })))(
    'is the same text when streamed: $resources',
    ({ resources }) => {
      const page = { totalResults: 5, itemsPerPage: resources.length, nextCursor: '[]' };
      const { open, close } = listResponseFrame(page);
      const streamed = open + resources.map((resource) => JSON.stringify(resource)).join(',') + close;
      expect(streamed).toBe(JSON.stringify(listResponse(page, resources)));
    },
  );
});
