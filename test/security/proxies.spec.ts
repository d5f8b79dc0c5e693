import { readSettings } from '../../src/config/settings';
import { sendExactly } from '../scim/support/exact-request';
import { Scimify, type TestIntegration } from '../support/scimify';

const BUDGET = 100;

/** Sends a wrong key, as if a proxy forwarded it for this address. */
async function guess(scimify: Scimify, forwardedFor: string): Promise<number> {
  const { status } = await sendExactly(scimify.url, {
    method: 'GET',
    target: '/api/v1/tenants',
    headers: { Authorization: 'Bearer a-wrong-key', 'X-Forwarded-For': forwardedFor },
  });
  return status;
}

async function useUpBudget(scimify: Scimify, forwardedFor: (index: number) => string): Promise<void> {
  for (let index = 0; index < BUDGET; index++) {
    expect(await guess(scimify, forwardedFor(index))).toBe(401);
  }
}

describe('without trusted proxies', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('nobody becomes somebody else by a forwarded address', async () => {
    await useUpBudget(scimify, (index) => `203.0.113.${index}`);
    expect(await guess(scimify, '198.51.100.1')).toBe(429);
  });
});

describe('behind a trusted proxy', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1' });
    integration = await scimify.createIntegration({ enable: false });
  });

  afterAll(() => scimify.stop());

  it('each forwarded address has a budget of its own', async () => {
    await useUpBudget(scimify, () => '203.0.113.7');
    expect(await guess(scimify, '203.0.113.7')).toBe(429);
    expect(await guess(scimify, '203.0.113.8')).toBe(401);
  });

  it('what a client claims before the proxy speaks does not count', async () => {
    await useUpBudget(scimify, (index) => `192.0.2.${index}, 203.0.113.9, 10.1.2.3`);
    expect(await guess(scimify, '203.0.113.9')).toBe(429);
  });

  it('the addresses of one IPv6 network are one', async () => {
    await useUpBudget(scimify, (index) => `2001:db8:0:7::${index.toString(16)}`);
    expect(await guess(scimify, '2001:db8::7:ffff:0:0:1')).toBe(429);
    expect(await guess(scimify, '2001:db8:0:8::1')).toBe(401);
  });

  it('forwarded hosts and protocols do not get into addresses', async () => {
    const { body } = await integration.scim.get('/ServiceProviderConfig', {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-For': '203.0.113.10',
    });
    expect(body.meta.location).toBe(
      `https://scimify.example/scim/v2/${integration.id}/ServiceProviderConfig`,
    );
  });
});

describe('SCIMIFY_TRUSTED_PROXIES', () => {
  it('is nobody, unless the operator says otherwise', () => {
    expect(readSettings({}).trustedProxies).toEqual([]);
  });

  it.each([
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['10.1.2.3, 2001:db8::/32,::1', ['10.1.2.3', '2001:db8::/32', '::1']],
  ])('takes addresses and networks: %s', (given, expected) => {
    expect(readSettings({ SCIMIFY_TRUSTED_PROXIES: given }).trustedProxies).toEqual(expected);
  });

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/0', '10.0.0/8', '2001:db8::/129', '10.0.0.1,', 'true'])(
    'does not take %s',
    (given) => {
      expect(() => readSettings({ SCIMIFY_TRUSTED_PROXIES: given })).toThrow(
        'SCIMIFY_TRUSTED_PROXIES must be IP addresses or networks',
      );
    },
  );
});
