import { Scimify } from '../support/scimify';

const MISSING = '/integrations/00000000-0000-7000-8000-000000000000';

describe('a request for an integration that is missing', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it.each([
    ['a query', 'GET', '/groups?limit=0', undefined],
    ['a body', 'POST', '/reconcile', { acceptMissingTeams: 7 }],
    ['a nested body', 'PATCH', '', { policies: { guard: { teamPercent: 'x' } } }],
  ])('gives 400 if %s is invalid', async (_, method, path, body) => {
    expect((await scimify.admin.send(method, MISSING + path, body)).status).toBe(400);
  });

  it('gives 404 before its cursor is read', async () => {
    expect((await scimify.admin.get(`${MISSING}/groups?cursor=abc`)).status).toBe(404);
  });
});
