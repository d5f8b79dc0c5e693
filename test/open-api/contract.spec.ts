import { Contract, type Exchange } from '../support/contract';

const object = (properties: object, required: string[]) => ({ type: 'object', properties, required });
const ERROR = object({ status: { type: 'integer' }, code: { type: 'string' }, detail: { type: 'string' } }, [
  'status',
  'detail',
]);

const DOCUMENT = {
  paths: {
    '/api/v1/teams/{id}': {
      get: {
        parameters: [{ in: 'query', name: 'deep' }],
        responses: {
          200: {
            headers: { ETag: { required: true } },
            content: { 'application/json': { schema: object({ id: { type: 'string' } }, ['id']) } },
          },
          404: {
            content: {
              'application/problem+json': {
                schema: { $ref: '#/components/schemas/Problem' },
                examples: { not_found: {} },
              },
            },
          },
        },
      },
      put: {
        requestBody: {
          content: { 'application/json': { schema: object({ name: { type: 'string' } }, ['name']) } },
        },
        responses: { 204: {} },
      },
    },
    '/api/v1/teams/search': { post: { responses: { 200: { content: {} } } } },
  },
  components: { schemas: { Problem: ERROR, ScimError: ERROR } },
};

describe('holding answers against the document', () => {
  const contract = new Contract(structuredClone(DOCUMENT));

  /** Checks an exchange with these parts. The rest of it is as documented. */
  const check = ({ headers = {}, ...given }: Partial<Omit<Exchange, 'headers'>> & { headers?: object }) => {
    const body = given.body ?? { id: '7' };
    contract.check({
      method: 'GET',
      target: '/api/v1/teams/7',
      requestBody: undefined,
      status: 200,
      body,
      text: body === '' ? '' : JSON.stringify(body),
      ...given,
      headers: new Headers({
        'Content-Type': 'application/json; charset=utf-8',
        ...(given.method === undefined && (given.status ?? 200) === 200 ? { ETag: '"1"' } : {}),
        ...headers,
      }),
    });
  };
  const PROBLEM = { status: 404, body: { status: 404, code: 'not_found', detail: 'Gone.' } };
  const AS_PROBLEM = { 'Content-Type': 'application/problem+json' };

  it.each([
    ['an answer as documented', {}],
    ['one with a parameter', { target: '/api/v1/teams/7?deep=1' }],
    ['a slash too many', { target: '//api/v1/teams//7/' }],
    ['an error as documented', { ...PROBLEM, headers: AS_PROBLEM }],
    ['an unknown path', { ...PROBLEM, target: '/api/v1/nothing', headers: AS_PROBLEM }],
    ['an unknown method', { ...PROBLEM, method: 'PATCH', headers: AS_PROBLEM }],
    ['a path that cannot be decoded', { ...PROBLEM, target: '/api/v1/teams/%zz', headers: AS_PROBLEM }],
    [
      'a body that is refused where none belongs',
      { ...PROBLEM, status: 415, requestBody: 'x', headers: AS_PROBLEM },
    ],
    ['a body as documented', { method: 'PUT', status: 204, body: '', requestBody: { name: 'Ada' } }],
    ['what is no API', { target: '/metrics', status: 500 }],
  ])('lets %s pass', (_, exchange) => {
    expect(() => check(exchange)).not.toThrow();
  });

  it.each([
    ['a status', { status: 201 }, 'no such status'],
    ['a field', { body: { id: '7', colour: 'red' } }, 'colour'],
    ['a missing field', { body: {} }, "required property 'id'"],
    ['a field of another type', { body: { id: 7 } }, 'body/id must be string'],
    ['a media type', { headers: { 'Content-Type': 'text/html' } }, 'no such media type: text/html'],
    [
      'a code of an error',
      { ...PROBLEM, body: { ...PROBLEM.body, code: 'gone' }, headers: AS_PROBLEM },
      'no such code: gone',
    ],
    [
      'a version',
      { method: 'PUT', status: 204, body: '', requestBody: { name: 'Ada' }, headers: { ETag: '"1"' } },
      'the header ETag is not documented',
    ],
    ['an operation', { method: 'DELETE' }, 'no such operation'],
    ['a failure of an unknown path', { target: '/api/v1/nothing', status: 500 }, 'no such operation'],
    ['an error in another shape', { ...PROBLEM, target: '/api/v1/nothing' }, 'an error as application/json'],
    ['a body where there is none', { method: 'PUT', status: 204, requestBody: { name: 'A' } }, 'no body'],
    ['a parameter', { target: '/api/v1/teams/7?colour=red' }, 'the parameter colour is accepted'],
    [
      'a field of a body',
      { method: 'PUT', status: 204, body: '', requestBody: { name: 'A', colour: 'red' } },
      'this body is accepted',
    ],
  ])('refuses %s that is not documented', (_, exchange, why) => {
    expect(() => check(exchange)).toThrow(why);
  });

  it('refuses an answer without a header that is promised', () => {
    const answer = { status: 200, body: { id: '7' }, text: '{"id":"7"}', requestBody: undefined };
    const headers = new Headers({ 'Content-Type': 'application/json' });
    expect(() => contract.check({ ...answer, method: 'GET', target: '/api/v1/teams/7', headers })).toThrow(
      'ETag',
    );
  });
});
