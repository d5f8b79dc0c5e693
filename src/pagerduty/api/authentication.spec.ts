import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator, type OAuthCredentials, type Simulator } from '../../../simulator/simulator';
import { callContext, connectTo, hostOf } from '../../../test/support/pagerduty';

const SCOPE_MISSING = {
  error: { message: 'Token missing required scopes', required_scopes: 'teams.write', token_scopes: '' },
};

describe('Scoped OAuth over a shared store of tokens', () => {
  let simulator: Simulator;
  let oauth: OAuthCredentials;

  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator.close());
  beforeEach(() => {
    simulator.reset();
    oauth = simulator.addOAuthClient();
  });

  const minted = () => simulator.calls({ path: '/oauth/token' }).length;
  const ask = (connection: ReturnType<typeof connectTo>, id: string) =>
    connection.getGroup(id, callContext());

  it('mints once for two integrations whose calls begin at once', async () => {
    const host = hostOf();
    const connections = [connectTo(simulator, oauth, host), connectTo(simulator, oauth, host)];
    await Promise.all(connections.flatMap((c) => ['P1', 'P2', 'P3'].map((id) => ask(c, id))));
    expect(minted()).toBe(1);
  });

  it.each([
    ['revoked', 401, undefined],
    ['without a scope that the app has by now', 403, SCOPE_MISSING],
  ])('mints once for all calls that meet a token %s, and repeats each call', async (_, status, body) => {
    const host = hostOf();
    const connections = [connectTo(simulator, oauth, host), connectTo(simulator, oauth, host)];
    await ask(connections[0]!, 'P0');
    simulator.inject({ path: /^\/teams/, latencyMs: 30 });
    if (status === 401) simulator.revokeAllTokens(oauth.clientId);
    else simulator.inject({ path: /^\/teams/, status, body, times: 8 });
    simulator.clearCalls();
    const ids = ['P1', 'P2', 'P3', 'P4'];
    await Promise.all(connections.flatMap((connection) => ids.map((id) => ask(connection, id))));
    expect(minted()).toBe(1);
    expect(simulator.calls({ path: /^\/teams/ })).toHaveLength(16);
  });

  it('mints once for calls that begin at once with a credential whose every token is refused', async () => {
    simulator.inject({ path: /^\/teams/, status: 401 });
    const connection = connectTo(simulator, oauth);
    const asked = ['P1', 'P2', 'P3', 'P4'].map((id) => ask(connection, id));
    for (const end of await Promise.allSettled(asked)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { reason: 'unauthorized' } });
    }
    expect(minted()).toBe(1);
    expect(simulator.calls({ path: /^\/teams/ })).toHaveLength(4);
  });

  it('repeats a call with a missing scope once, and names the scope when it is still missing', async () => {
    const connection = connectTo(simulator, oauth);
    await ask(connection, 'P1');
    simulator.inject({ path: '/teams/P1', status: 403, body: SCOPE_MISSING });
    simulator.clearCalls();
    await expect(ask(connection, 'P1')).rejects.toMatchObject({
      kind: 'permission',
      reason: 'scopes_missing',
      accountWide: true,
      message: expect.stringContaining('teams.write'),
    });
    expect(minted()).toBe(1);
    expect(simulator.calls({ path: '/teams/P1' })).toHaveLength(2);
  });

  it('does not mint for any other 403', async () => {
    const connection = connectTo(simulator, oauth);
    await ask(connection, 'P1');
    simulator.inject({ path: '/teams/P1', status: 403 });
    simulator.clearCalls();
    await expect(ask(connection, 'P1')).rejects.toMatchObject({ reason: 'access_denied' });
    expect(minted()).toBe(0);
  });

  it('asks an unreachable identity service once, not once for each call', async () => {
    simulator.inject({ path: '/oauth/token', status: 503 });
    const host = hostOf();
    const connections = Array.from({ length: 8 }, () => connectTo(simulator, oauth, host));
    const first = await Promise.allSettled(connections.map((connection) => ask(connection, 'P1')));
    const second = await Promise.allSettled(connections.map((connection) => ask(connection, 'P1')));
    for (const end of [...first, ...second]) {
      expect(end).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    }
    expect(minted()).toBe(1);
  });

  it('replaces a token before it expires, so no call uses an expired token', async () => {
    simulator.setTokenLifetime(2);
    const connection = connectTo(simulator, oauth);
    await ask(connection, 'P1');
    await sleep(1_050);
    await Promise.all(['P1', 'P2', 'P3'].map((id) => ask(connection, id)));
    expect(minted()).toBe(2);
    expect(simulator.calls({ status: 401 })).toEqual([]);
  });
});
