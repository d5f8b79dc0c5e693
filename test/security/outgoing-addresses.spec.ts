import { Scimify } from '../support/scimify';

describe('where Scimify calls', () => {
  let scimify: Scimify;
  let tenantId: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
  });

  afterAll(() => scimify.stop());

  it.each([
    ['accountSubdomain', 'acme corp'],
    ['accountSubdomain', 'acme.evil.example'],
    ['accountSubdomain', 'evil.example/'],
    ['accountSubdomain', 'user@evil'],
    ['accountSubdomain', '../acme'],
    ['accountSubdomain', 'acme as_account-eu.other'],
    ['accountSubdomain', '-acme'],
    ['accountSubdomain', 'a'.repeat(64)],
    ['accountRegion', 'evil.example'],
    ['accountRegion', 'us.evil'],
    ['apiUrl', 'https://evil.example'],
    ['identityUrl', 'https://evil.example'],
    ['baseUrl', 'http://169.254.169.254'],
  ])('is nothing that a tenant may say: %s of %p', async (setting, value) => {
    const settings = { authMethod: 'oauth', clientId: 'id', accountSubdomain: 'acme', accountRegion: 'us' };
    const answer = await scimify.admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { ...settings, [setting]: value },
      secret: 'a-secret',
    });
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual([`settings.${setting}`]);
  });
});
