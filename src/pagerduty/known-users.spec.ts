import { released } from '../../test/support/garbage';
import { KnownUsers } from './known-users';

const MINUTE_MS = 60_000;

describe('the users of an account that are known by their address', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('are kept for five minutes and freed soon after, even without a request', () => {
    jest.useFakeTimers();
    const known = new KnownUsers();
    known.remember(new Map([['ada@example.com', 'PADA']]), performance.now());
    jest.advanceTimersByTime(4 * MINUTE_MS);
    expect(known.recall('ada@example.com')).toBe('PADA');
    known.remember(new Map([['bo@example.com', 'PBO']]), performance.now());
    jest.advanceTimersByTime(2 * MINUTE_MS);
    expect([known.recall('ada@example.com'), known.recall('bo@example.com')]).toEqual([null, 'PBO']);
    expect(known.size).toBe(1);
    jest.advanceTimersByTime(5 * MINUTE_MS);
    expect(known.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are forgotten one by one when they are deleted, or shown with another address', () => {
    const known = new KnownUsers();
    known.remember(
      new Map([
        ['ada@example.com', 'PADA'],
        ['bo@example.com', 'PBO'],
        ['cy@example.com', 'PCY'],
      ]),
      performance.now(),
    );
    known.forget('PADA');
    known.forgetChanged(new Map([['PBO', 'bob@example.com']]));
    expect(['ada', 'bo', 'cy'].map((name) => known.recall(`${name}@example.com`))).toEqual([
      null,
      null,
      'PCY',
    ]);
  });

  it('are freed when no caller uses the account', async () => {
    const used = () => {
      const known = new KnownUsers();
      known.remember(new Map([['ada@example.com', 'PADA']]), performance.now());
      return new WeakRef(known);
    };
    await released('the users of an unused account', used());
  });
});
