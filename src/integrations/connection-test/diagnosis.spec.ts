import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, DiagnosisCheck, ProviderConnection } from '../provider/integration-provider';
import { diagnose } from './diagnosis';

const check = (id: string, status: DiagnosisCheck['status'] = 'passed'): DiagnosisCheck => ({
  id,
  title: id,
  status,
  message: id,
  remedy: null,
});

/** A connection that supports only the connection test. */
function tested(run: (context: CallContext) => AsyncGenerator<DiagnosisCheck>): ProviderConnection {
  return { diagnose: run } as Partial<ProviderConnection> as ProviderConnection;
}

describe('a diagnosis', () => {
  it('passes with warnings and skipped checks, and fails with a failed check', async () => {
    const good = await diagnose(
      tested(async function* () {
        yield check('a');
        yield check('b', 'warning');
        yield check('c', 'skipped');
      }),
    );
    expect(good.ok).toBe(true);
    expect(good.with(check('d', 'failed')).ok).toBe(false);
  });

  it('ends at the timeout, with the results so far', async () => {
    const slow = tested(async function* ({ signal }) {
      yield check('first');
      await sleep(60_000, undefined, { signal });
    });
    const diagnosis = await diagnose(slow, 30);
    expect(diagnosis.checks.map(({ id }) => id)).toEqual(['first', 'in_time']);
    expect(diagnosis).toMatchObject({ ok: false, undecided: true, failure: { reason: 'timeout' } });
  });

  it('does not hide an error of its own', async () => {
    const broken = tested(async function* () {
      yield check('first');
      throw new Error('a bug');
    });
    await expect(diagnose(broken)).rejects.toThrow('a bug');
  });
});
