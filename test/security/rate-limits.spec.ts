import { readSettings } from '../../src/config/settings';
import { sendExactly } from '../scim/support/exact-request';
import { expectScimError } from '../scim/support/expectations';
import { adminWithRole } from '../support/admin-keys';
import type { Answer } from '../support/http';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

/** A second; the window of four seconds takes twelve. */
const RATE = 3;
const BURST = 4 * RATE;

/** Sends all at once, so that they fall into one window. */
const burst = (count: number, send: () => Promise<Answer>) =>
  Promise.all(Array.from({ length: count }, send));
const passed = (answers: Answer[]) => answers.filter(({ status }) => status !== 429).length;

const expectWholeSeconds = ({ headers }: Answer) => {
  expect(headers.get('retry-after')).toMatch(/^[1-4]$/);
};

describe('the rate limit of an integration', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_SCIM_RATE_LIMIT: String(RATE) });
  });

  afterAll(() => scimify.stop());

  it('lets four seconds’ worth through at once, answers the rest with 429, and takes up again', async () => {
    const { scim } = await scimify.createIntegration({ enable: false });
    const answers = await burst(BURST + 5, () => scim.get('/Users?count=0'));
    expect(passed(answers)).toBe(BURST);
    const refused = answers.find(({ status }) => status === 429)!;
    expectScimError(refused, 429);
    expectWholeSeconds(refused);
    await waitFor(
      'requests to be taken again',
      () => scim.get('/Users?count=0'),
      ({ status }) => status === 200,
      10_000,
    );
  });

  it('is shared by its keys, and by nobody else', async () => {
    const exhausted = await scimify.createIntegration({ enable: false });
    const neighbour = await scimify.createIntegration({ enable: false, tenantId: exhausted.tenantId });
    const second = await scimify.admin.post(`/integrations/${exhausted.id}/scim-keys`, { name: 'second' });
    const withSecondKey = scimify.scimWith(exhausted.id, second.body.token);
    const mixed = await burst(BURST, async () => {
      const [one] = await Promise.all([exhausted.scim.get('/Users'), withSecondKey.get('/Users')]);
      return one;
    });
    expect(passed(mixed)).toBeLessThan(BURST);
    expect((await withSecondKey.get('/Users')).status).toBe(429);
    expect((await neighbour.scim.get('/Users')).status).toBe(200);
  });

  it('is not used up by whoever has no key of it', async () => {
    const target = await scimify.createIntegration({ enable: false });
    const other = await scimify.createIntegration({ enable: false });
    const foreign = scimify.scimWith(target.id, other.scimKey);
    for (const { status } of await burst(2 * BURST, () => foreign.get('/Users'))) expect(status).toBe(401);
    expect(passed(await burst(BURST, () => target.scim.get('/Users')))).toBe(BURST);
  });

  it('is looked at before the body is read', async () => {
    const integration = await scimify.createIntegration({ enable: false });
    await burst(BURST, () => integration.scim.get('/Users'));
    const answer = await sendExactly(scimify.url, {
      method: 'POST',
      target: `/scim/v2/${integration.id}/Groups`,
      headers: {
        Authorization: `Bearer ${integration.scimKey}`,
        'Content-Type': 'application/scim+json',
      },
      body: '{"displayName":',
    });
    expectScimError(answer, 429);
  });

  it('is no refused write: the identity provider sends it again', async () => {
    const integration = await scimify.createIntegration({ enable: false });
    const answers = await burst(BURST + 3, () => integration.scim.post('/Users', { userName: '' }));
    expect(answers.map(({ status }) => status)).toContain(429);
    const { body } = await scimify.admin.get(`/integrations/${integration.id}/refused-writes`);
    expect(body.items.length).toBeGreaterThan(0);
    for (const { status } of body.items) expect(status).toBe(400);
  });
});

describe('the rate limit of an admin key', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_ADMIN_RATE_LIMIT: String(RATE) });
  });

  afterAll(() => scimify.stop());

  it('answers 429 problem details, and concerns no other key', async () => {
    const tenantId = await scimify.createTenant();
    const [busy, quiet] = [
      await adminWithRole(scimify, tenantId, 'viewer'),
      await adminWithRole(scimify, tenantId, 'viewer'),
    ];
    const answers = await burst(BURST + 5, () => busy.get('/tenants'));
    expect(passed(answers)).toBe(BURST);
    const refused = answers.find(({ status }) => status === 429)!;
    expectWholeSeconds(refused);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.body).toMatchObject({ status: 429, code: 'rate_limited', detail: expect.any(String) });
    expect((await quiet.get('/tenants')).status).toBe(200);
    // The one of the environment has a count of its own.
    expect((await scimify.admin.get('/tenants')).status).toBe(200);
  });
});

describe('rate limits', () => {
  it('are 200 requests a second at SCIM and 50 at the admin API, unless the operator says otherwise', () => {
    expect(readSettings({}).rateLimits).toEqual({ scim: 200, admin: 50 });
  });

  it('are none where the operator says 0', async () => {
    const scimify = await Scimify.start({ SCIMIFY_SCIM_RATE_LIMIT: '0', SCIMIFY_ADMIN_RATE_LIMIT: '0' });
    try {
      const { scim } = await scimify.createIntegration({ enable: false });
      expect(passed(await burst(40, () => scimify.admin.get('/tenants')))).toBe(40);
      expect(passed(await burst(40, () => scim.get('/Users?count=0')))).toBe(40);
    } finally {
      await scimify.stop();
    }
  });

  it.each(['-1', '2.5', 'many', '1e3'])('are not %s', (limit) => {
    expect(() => readSettings({ SCIMIFY_SCIM_RATE_LIMIT: limit })).toThrow('SCIMIFY_SCIM_RATE_LIMIT must be');
    expect(() => readSettings({ SCIMIFY_ADMIN_RATE_LIMIT: limit })).toThrow(
      'SCIMIFY_ADMIN_RATE_LIMIT must be',
    );
  });
});
