import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('a ciphertext that somebody put into the row of another integration', () => {
  let scimify: Scimify;
  let victim: TestIntegration;
  let thief: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  beforeEach(async () => {
    victim = await scimify.createIntegration({ authMethod: 'api_key' });
    thief = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    await thief.scim.createGroup('Stolen');
  });

  /** As an attacker does who can write to the database but has no key. */
  const overwrite = (target: TestIntegration, ciphertext: (own: string, victims: string) => string) =>
    scimify.app.get(TransactionRunner).run(async (tx) => {
      const sealed = async (id: string) => {
        const [row] = await tx.query<{ secretCiphertext: string }>(
          'SELECT secretCiphertext FROM integration WHERE id = ?',
          [id],
        );
        return row!.secretCiphertext;
      };
      await tx.query('UPDATE integration SET secretCiphertext = ? WHERE id = ?', [
        ciphertext(await sealed(target.id), await sealed(victim.id)),
        target.id,
      ]);
    });

  const shown = async () => (await scimify.admin.get(`/integrations/${thief.id}`)).body;

  const suspended = () =>
    waitFor('the suspension', shown, ({ suspension }) => suspension?.reason === 'secret_unreadable');

  it.each([
    ['whole', (_own: string, victims: string) => victims],
    [
      'behind its own beginning',
      (own: string, victims: string) =>
        Buffer.concat([
          Buffer.from(own, 'base64').subarray(0, 12),
          Buffer.from(victims, 'base64').subarray(12),
        ]).toString('base64'),
    ],
    [
      'cut off within its tag',
      (_own: string, victims: string) => Buffer.from(victims, 'base64').subarray(0, 16).toString('base64'),
    ],
    ['as nothing at all', () => ''],
  ])('%s is never used: the integration says so and stops', async (_, ciphertext) => {
    await overwrite(thief, ciphertext);
    scimify.pagerDuty.clearCalls();
    await scimify.admin.post(`/integrations/${thief.id}/enable`);
    expect(await suspended()).toMatchObject({
      mode: 'enabled',
      connection: {
        status: 'failed',
        reason: 'secret_unreadable',
        message: expect.stringContaining('Store the secret again.'),
      },
    });
    const test = await scimify.admin.post(`/integrations/${thief.id}/connection-test`);
    expect(test.status).toBe(200);
    expect(test.body).toMatchObject({ ok: false, checks: [{ id: 'secret_readable', status: 'failed' }] });
    const plan = await scimify.admin.get(`/integrations/${thief.id}/plan`);
    expect(plan.status).toBe(200);
    expect(JSON.stringify(plan.body)).toContain('secret_unreadable');
    expect((await scimify.admin.post(`/integrations/${thief.id}/rebind`, {})).body).toMatchObject({
      status: 409,
      code: 'secret_unreadable',
    });
    expect(scimify.pagerDuty.calls()).toEqual([]);
  });

  it('harms nobody else, and is over once the secret is stored anew', async () => {
    await overwrite(thief, (_own, victims) => victims);
    await scimify.admin.post(`/integrations/${thief.id}/enable`);
    await suspended();
    await victim.scim.createGroup('Platform');
    await scimify.settled(victim);
    const secret = scimify.pagerDuty.addApiKey();
    expect((await scimify.admin.put(`/integrations/${thief.id}/secret`, { secret })).status).toBe(204);
    await scimify.settled(thief);
    expect(await shown()).toMatchObject({ suspension: null, connection: { status: 'ok' } });
    expect(Object.keys(scimify.teams()).sort()).toEqual(['Platform', 'Stolen']);
  });
});
