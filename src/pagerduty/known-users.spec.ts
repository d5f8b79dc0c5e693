import { released } from '../../test/support/garbage';
import { KnownUsers } from './known-users';

const MINUTE_MS = 60_000;

describe('the users of an account that are known by their address', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('count for five minutes, and take no memory soon after, though nobody asks', () => {
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
    known.saw(new Map([['PBO', 'bob@example.com']]));
    expect(['ada', 'bo', 'cy'].map((name) => known.recall(`${name}@example.com`))).toEqual([
      null,
      null,
      'PCY',
    ]);
  });

  it('take no memory once nobody uses the account', async () => {
    const used = () => {
      const known = new KnownUsers();
      known.remember(new Map([['ada@example.com', 'PADA']]), performance.now());
      return new WeakRef(known);
    };
    await released('the users of an account that nobody uses', used());
  });
});
