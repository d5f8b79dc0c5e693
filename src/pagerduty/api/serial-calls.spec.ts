import type { CallSlots } from '../../integrations/provider/integration-provider';
import { startSimulator, type Simulator } from '../../../simulator/simulator';
import { callContext, connectTo, hostOf } from '../../../test/support/pagerduty';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ rateLimit: 100_000 });
});
afterAll(() => simulator.close());

describe('the calls to PagerDuty', () => {
  it('are made one at a time after PagerDuty could not lock the account for a write', async () => {
    const host = hostOf();
    const { slots } = host;
    const underWay = { now: 0, most: 0 };
    const watched = {
      ...host,
      slots: {
        serialise: (ms: number) => slots.serialise(ms),
        use: <T>(context: Parameters<CallSlots['use']>[0], call: () => Promise<T>) =>
          slots.use(context, async () => {
            underWay.now += 1;
            underWay.most = Math.max(underWay.most, underWay.now);
            return call().finally(() => (underWay.now -= 1));
          }),
      },
    };
    const connection = connectTo(simulator, simulator.addApiKey(), watched);
    const { id } = simulator.addTeam({ name: 'On-call' });
    simulator.inject({ method: 'GET', path: `/teams/${id}`, latencyMs: 50 });
    const mostOfSix = async () => {
      underWay.most = 0;
      await Promise.all(Array.from({ length: 6 }, () => connection.getGroup(id, callContext())));
      return underWay.most;
    };
    expect(await mostOfSix()).toBe(4);

    const body = {
      error: { message: 'Invalid Input Provided', code: 2001, errors: ['account could not be locked'] },
    };
    simulator.inject({ method: 'PUT', path: `/teams/${id}`, status: 400, body, times: 1 });
    await expect(connection.updateGroup(id, { name: 'Other' }, callContext())).rejects.toMatchObject({
      reason: 'account_locked_briefly',
    });
    expect(await mostOfSix()).toBe(1);
  });
});
