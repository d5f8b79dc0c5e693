import type { TestIntegration } from '../../support/scimify';
import { expectScimError } from '../support/expectations';
import { sendExactly } from '../support/exact-request';
import { user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { NOBODY } from '../support/urns';

describe('RFC 7644 §3.1 and §3.8, media types and encoding', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;

  beforeAll(async () => {
    integration = await server.freshIntegration();
  });

  function send(method: string, path: string, headers: Record<string, string>, body?: string | Buffer) {
    return sendExactly(server.scimify.url, {
      method,
      target: `/scim/v2/${integration.id}${path}`,
      headers: { Authorization: `Bearer ${integration.scimKey}`, ...headers },
      body,
    });
  }

  it.each([
    'application/scim+json',
    'application/json',
    'application/scim+json; charset=utf-8',
    'application/scim+json;charset=UTF-8',
    'application/json; charset=utf-8',
    'application/json;charset="utf-8"',
    'Application/SCIM+JSON; Charset=UTF-8',
    'application/scim+json ; charset=utf-8',
  ])('a body of %s is read', async (type) => {
    expect((await send('POST', '/Users', { 'Content-Type': type }, JSON.stringify(user()))).status).toBe(201);
  });

  it.each([
    'text/plain',
    'text/json',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application/scim',
    'application/scim+jsonx',
    'nonsense',
    '*/*',
  ])('a body of %s is refused with 415', async (type) => {
    expectScimError(await send('POST', '/Users', { 'Content-Type': type }, JSON.stringify(user())), 415);
  });

  it.each([
    [undefined, 'application/scim+json'],
    ['application/scim+json', 'application/scim+json'],
    ['application/json', 'application/json'],
    ['application/json; charset=utf-8', 'application/json'],
    ['APPLICATION/JSON', 'application/json'],
    ['application/json, text/plain;q=0.5', 'application/json'],
    ['*/*', 'application/scim+json'],
    ['application/*', 'application/scim+json'],
    ['text/html', 'application/scim+json'],
    ['nonsense', 'application/scim+json'],
    ['application/scim+json, application/json;q=0.9', 'application/scim+json'],
    ['application/json;q=0.9, application/scim+json', 'application/scim+json'],
    ['application/json, application/scim+json;q=0.5', 'application/json'],
    ['application/scim+json;q=0, application/json', 'application/json'],
  ])('Accept: %s is answered with %s, also for errors', async (accept, type) => {
    const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept };
    for (const [path, status] of [
      ['/Users', 200],
      [`/Users/${NOBODY}`, 404],
      ['/ServiceProviderConfig', 200],
      ['/Nonsense', 404],
    ] as const) {
      const answer = await send('GET', path, headers);
      expect([
        path,
        answer.status,
        answer.headers.get('content-type')?.replace(/ /g, '').toLowerCase(),
      ]).toEqual([path, status, `${type};charset=utf-8`]);
    }
  });

  it('a body that is not UTF-8 is refused, not stored as replacement characters', async () => {
    const [before, after] = JSON.stringify(user({ displayName: 'x|y' })).split('|') as [string, string];
    const latin1 = Buffer.concat([Buffer.from(before), Buffer.from([0xe9]), Buffer.from(after)]);
    const answer = await send('POST', '/Users', { 'Content-Type': 'application/scim+json' }, latin1);
    expect(['invalidSyntax', 'invalidValue']).toContain(answer.body.scimType);
    expectScimError(answer, 400, answer.body.scimType);
  });

  it('a byte order mark before a body is borne or refused, no more', async () => {
    const answer = await send(
      'POST',
      '/Users',
      { 'Content-Type': 'application/scim+json' },
      `\ufeff${JSON.stringify(user())}`,
    );
    if (answer.status !== 201) expectScimError(answer, 400, 'invalidSyntax');
  });

  it('GET and DELETE pass with any content type and an empty body', async () => {
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      expect((await send('GET', '/Users', { 'Content-Type': type })).status).toBe(200);
      const made = await send(
        'POST',
        '/Users',
        { 'Content-Type': 'application/json' },
        JSON.stringify(user()),
      );
      expect((await send('DELETE', `/Users/${made.body.id}`, { 'Content-Type': type })).status).toBe(204);
    }
  });

  it.each([
    'Users',
    '//Users',
    '/Users/',
    '/Users?',
    '/Users?&',
    '/Users/?count=1&',
    '/Users?count=1&&startIndex=1',
    '/Users?aadOptscim062020',
    '/Users?unknown=1&Unknown%5B%5D=2&count=1',
    '/Users?filter=',
    '/Users?attributes=&excludedAttributes=',
  ])('the address %s is borne', async (path) => {
    const target = path.startsWith('/') ? path : `/${path}`;
    const answer = await send('GET', target, {});
    expect(answer.status).toBe(200);
    expect(answer.body.schemas).toEqual(['urn:ietf:params:scim:api:messages:2.0:ListResponse']);
  });
});
