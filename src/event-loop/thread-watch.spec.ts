import { noteHolder, noteStatement, takeLongestHold } from './thread-watch';

const HOLD_MS = 60;

function holdThread(): void {
  const until = performance.now() + HOLD_MS;
  while (performance.now() < until);
}

describe('the watch over the thread', () => {
  beforeEach(() => takeLongestHold());

  it('names the work that held it longest, and the statement', () => {
    noteHolder({ what: 'GET /quick', lane: 'acme' });
    noteHolder({ what: 'GET /slow', lane: 'umbrella' });
    noteStatement('SELECT 1');
    noteStatement('SELECT 2');
    holdThread();
    noteHolder({ what: 'GET /quick', lane: 'acme' });
    const hold = takeLongestHold();
    expect(hold).toMatchObject({ what: 'GET /slow', lane: 'umbrella', statement: 'SELECT 2' });
    expect(hold!.ms).toBeGreaterThanOrEqual(HOLD_MS);
  });

  it('counts time that no work has claimed as idle', () => {
    holdThread();
    expect(takeLongestHold()).toMatchObject({ what: 'idle', lane: '', statement: null });
  });

  it('does not count a statement for the work that follows', () => {
    noteHolder({ what: 'GET /slow', lane: 'acme' });
    noteStatement('SELECT 1');
    noteHolder({ what: 'GET /other', lane: 'acme' });
    holdThread();
    expect(takeLongestHold()).toMatchObject({ what: 'GET /other', statement: null });
  });

  it('returns each hold once', () => {
    noteHolder({ what: 'GET /slow', lane: 'acme' });
    holdThread();
    expect(takeLongestHold()).toMatchObject({ what: 'GET /slow' });
    expect(takeLongestHold()!.what).toBe('idle');
  });
});
