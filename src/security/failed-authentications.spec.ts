import { clientNetwork } from './client-network';
import { FailedAuthentications } from './failed-authentications';
import { TooManyRequestsError } from './too-many-requests';

const BUDGET = 100;
const noCaller = () => Promise.resolve(null);

describe('failed authentications', () => {
  let failures: FailedAuthentications;

  beforeEach(() => {
    jest.useFakeTimers();
    failures = new FailedAuthentications(() => Promise.resolve([]));
  });

  afterEach(() => jest.useRealTimers());

  const fail = (address: string) => failures.verify('a-wrong-token', address, noCaller);
  const useUpBudget = async (address: string) => {
    for (let count = 0; count < BUDGET; count++) expect(await fail(address)).toBeNull();
  };

  it('are allowed again when the minute is over, and Retry-After says when', async () => {
    await useUpBudget('203.0.113.1');
    jest.advanceTimersByTime(20_500);
    const refusal: unknown = await fail('203.0.113.1').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TooManyRequestsError);
    expect((refusal as TooManyRequestsError).retryAfterSeconds).toBe(40);
    jest.advanceTimersByTime(39_500);
    await useUpBudget('203.0.113.1');
    await expect(fail('203.0.113.1')).rejects.toThrow(TooManyRequestsError);
  });

  it('still count after a success: a valid key proves nothing about the invalid tokens', async () => {
    await useUpBudget('203.0.113.1');
    expect(await failures.verify('good', '203.0.113.1', () => Promise.resolve('caller'), true)).toBe(
      'caller',
    );
    await expect(fail('203.0.113.1')).rejects.toThrow(TooManyRequestsError);
  });

  it('of the network that failed longest ago are forgotten when 10,000 others have failed since', async () => {
    await useUpBudget('203.0.113.1');
    for (let other = 0; other < 9_999; other++) await fail(`10.0.${other >> 8}.${other & 255}`);
    await expect(fail('203.0.113.1')).rejects.toThrow(TooManyRequestsError);
    await fail('10.255.0.1');
    expect(await fail('203.0.113.1')).toBeNull();
  });
});

describe('the network of a client', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:50123', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8::7:0:0:0:1', '2001:db8:0:7::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['unknown', 'unknown'],
    ['', ''],
    ['x'.repeat(1_000), 'x'.repeat(64)],
  ])('of %s is %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});
