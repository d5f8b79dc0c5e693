import { Scimify, type TestIntegration } from '../support/scimify';

/** Far more than the work takes, and far less than a check that is quadratic in the size of the body. */
const A_STALL_MS = 2_000;

describe('settings that are too large', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
  });

  afterAll(() => scimify.stop());

  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`setting${index}`, index]));
  const spaces = ' '.repeat(250_000);

  it.each([
    ['a host, 250,000 spaces and a line break', { accountSubdomain: `acme${spaces}\nx` }, 'accountSubdomain'],
    [
      'a path of the same',
      { accountSubdomain: `acme.pagerduty.com/${spaces.slice(100_000)}\n${spaces.slice(150_001)}x` },
      'accountSubdomain',
    ],
    ['a long client id', { clientId: 'a'.repeat(2_049) }, 'clientId'],
    ['a long description', { groupDescription: `${spaces}x` }, 'groupDescription'],
    ['a text deep inside', { accountRegion: { of: [spaces] } }, 'accountRegion.of.0'],
    ['a long name', { ['x'.repeat(101)]: 1 }, 'settings'],
    ['many settings', many(200), 'settings'],
  ])('are refused at once: %s', async (_, settings, field) => {
    const begun = performance.now();
    const { status, body } = await scimify.admin.patch(`/integrations/${integration.id}`, { settings });
    expect(performance.now() - begun).toBeLessThan(A_STALL_MS);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      {
        field: field === 'settings' ? 'settings.settings' : `settings.${field}`,
        message: expect.stringMatching(/at most [\d,]+ characters|more than 100 values/),
      },
    ]);
    expect(JSON.stringify(body).length).toBeLessThan(1_000);
  });

  it('are refused however many there are, before anything compares their names with each other', async () => {
    const begun = performance.now();
    const answer = await scimify.admin.patch(`/integrations/${integration.id}`, { settings: many(50_000) });
    expect(performance.now() - begun).toBeLessThan(5 * A_STALL_MS);
    expect(answer).toMatchObject({ status: 413, body: { code: 'too_large' } });
  });
});
