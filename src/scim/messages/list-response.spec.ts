import { listResponse, listResponseText } from './list-response';

describe('a list', () => {
  it('has its schema and its paging fields', () => {
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
    'is the same list when streamed in any pieces: $resources',
    async ({ resources }) => {
      async function* pieces() {
        for (const resource of resources) {
          const text = JSON.stringify(resource);
          yield { begins: true, text: text.slice(0, 2) };
          yield { begins: false, text: text.slice(2) };
        }
      }
      const page = { totalResults: 5, nextCursor: '[]' };
      let streamed = '';
      for await (const piece of listResponseText(page, pieces())) streamed += piece;
      expect(JSON.parse(streamed)).toEqual(
        listResponse({ ...page, itemsPerPage: resources.length }, resources),
      );
    },
  );
});
