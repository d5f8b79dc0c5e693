import { type Settings, readSettings } from '../../src/config/settings';
import { RateLimits } from '../../src/security/rate-limits';
import { TooManyRequestsError } from '../../src/security/too-many-requests';
import { sendExactly } from '../scim/support/exact-request';
import { expectScimError } from '../scim/support/expectations';
import { adminWithRole } from '../support/admin-keys';
import type { Answer } from '../support/http';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

/** Per second. The window of four seconds allows twelve. */
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

  it('counts a Bulk by its operations: it is let in, and paid off before the next request is', async () => {
    const { scim } = await scimify.createIntegration({ enable: false });
    const Operations = Array.from({ length: BURST + 2 * RATE }, () => ({
      method: 'DELETE',
      path: '/Users/01890000-0000-7000-8000-000000000000',
    }));
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    const bulk = await scim.post('/Bulk', { schemas, Operations });
    expect(bulk.status).toBe(200);
    expect(bulk.body.Operations).toHaveLength(Operations.length);
    const refused = await scim.get('/Users?count=0');
    expectScimError(refused, 429);
    // The rest of the window, and two seconds for the excess.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(2);
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
    // The key from the environment has its own count.
    expect((await scimify.admin.get('/tenants')).status).toBe(200);
  });
});

describe('the rate limit of a tenant', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_TENANT_RATE_LIMIT: String(RATE) });
  });

  afterAll(() => scimify.stop());

  it('is shared by its integrations and keys at both doors, and by no other tenant', async () => {
    const one = await scimify.createIntegration({ enable: false });
    const other = await scimify.createIntegration({ enable: false, tenantId: one.tenantId });
    const neighbour = await scimify.createIntegration({ enable: false });
    const viewer = await adminWithRole(scimify, one.tenantId, 'viewer');
    const answers = await burst(BURST, async () => {
      const all = await Promise.all([
        one.scim.get('/Users?count=0'),
        other.scim.get('/Users?count=0'),
        viewer.get('/tenants'),
      ]);
      return all.find(({ status }) => status === 429) ?? all[0];
    });
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expectWholeSeconds(refused[0]!);
    expect((await neighbour.scim.get('/Users?count=0')).status).toBe(200);
    // A platform key belongs to no tenant.
    expect(passed(await burst(3 * BURST, () => scimify.admin.get('/tenants')))).toBe(3 * BURST);
  });
});

describe('what a request asks for beyond itself', () => {
  const PER_SECOND = 10;
  const limits = (rates: Partial<Settings['rateLimits']>) =>
    new RateLimits({ ...readSettings({}), rateLimits: { scim: 0, admin: 0, tenant: 0, ...rates } });
  const refusal = async (taken: Promise<void>): Promise<number> => {
    const error: unknown = await taken.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TooManyRequestsError);
    return (error as TooManyRequestsError).retryAfterSeconds;
  };

  beforeEach(() => jest.useFakeTimers());

  afterEach(() => jest.useRealTimers());

  it('is let in while anything is left, and paid off before the next one is', async () => {
    const all = limits({ scim: PER_SECOND });
    const next = () => all.take('scim', 'i', 't');
    await next();
    await all.charge('scim', 'i', 't', 99);
    // A hundred operations are ten seconds' worth.
    expect(await refusal(next())).toBe(10);
    jest.advanceTimersByTime(9_900);
    expect(await refusal(next())).toBe(1);
    jest.advanceTimersByTime(200);
    await next();
    await all.take('scim', 'another', 't');
  });

  it('counts as so many requests where it is within the limit', async () => {
    const all = limits({ scim: PER_SECOND });
    await all.take('scim', 'i', 't');
    await all.charge('scim', 'i', 't', 38);
    await all.take('scim', 'i', 't');
    expect(await refusal(all.take('scim', 'i', 't'))).toBe(4);
  });

  it('adds up where several were let in at the same time, and what was refused meanwhile costs nothing', async () => {
    const all = limits({ scim: PER_SECOND });
    for (const _ of [1, 2]) await all.take('scim', 'i', 't');
    await all.charge('scim', 'i', 't', 99);
    for (let count = 0; count < 50; count++) await refusal(all.take('scim', 'i', 't'));
    await all.charge('scim', 'i', 't', 99);
    const seconds = await refusal(all.take('scim', 'i', 't'));
    expect([20, 21]).toContain(seconds);
  });

  it('counts for the tenant as well', async () => {
    const all = limits({ tenant: PER_SECOND });
    await all.take('scim', 'i', 't');
    await all.charge('scim', 'i', 't', 99);
    expect(await refusal(all.take('admin', 'key', 't'))).toBe(10);
    await all.take('admin', 'key', 'another');
    await all.take('admin', 'platform key', null);
  });
});

describe('rate limits', () => {
  it('are 200 requests a second at SCIM, 50 at the admin API and 400 of a tenant at both, unless the operator says otherwise', () => {
    expect(readSettings({}).rateLimits).toEqual({ scim: 200, admin: 50, tenant: 400 });
  });

  it('are none where the operator says 0', async () => {
    const scimify = await Scimify.start({
      SCIMIFY_SCIM_RATE_LIMIT: '0',
      SCIMIFY_ADMIN_RATE_LIMIT: '0',
      SCIMIFY_TENANT_RATE_LIMIT: '0',
    });
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
