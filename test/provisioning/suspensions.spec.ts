import { type Transaction, TransactionRunner } from '../../src/database/transaction-runner';
import { INTEGRATION_MODES, type Integration } from '../../src/integrations/integration.entity';
import { Integrations } from '../../src/integrations/integrations.service';
import {
  ACCOUNT_MISMATCH,
  SETTINGS_REFUSED,
  VISIBILITY_LOST,
} from '../../src/integrations/suspension-reasons';
import { Suspensions } from '../../src/integrations/suspensions.service';
import { IntegrationRun } from '../../src/provisioning/apply/integration-run';
import { MAY_WRITE, mayWrite } from '../../src/provisioning/state/may-write';
import { read } from '../docs/documents';
import type { Answer } from '../support/http';
import { Scimify } from '../support/scimify';

const HOUR = 3_600_000;
const FAILURE = { reason: 'unauthorized', message: 'The key is refused.' };
const ACCOUNT = { identity: 'us.acme', name: 'acme', url: 'https://acme.pagerduty.com' };

const STATE_OF: Record<string, string> = {
  [FAILURE.reason]: 'refused',
  [ACCOUNT_MISMATCH]: 'mismatch',
  [VISIBILITY_LOST]: 'lost',
};

/** The tables in the doc comment of `Suspensions`, as rows of cells. */
const TABLES = read('src/integrations/suspensions.service.ts')
  .match(/(?:^ \* \|.*\n)+/gm)!
  .map((table) => table.trimEnd().split('\n').map(cellsOf));

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Each cell of the table with this heading, except those of steps that do not occur. */
function stepsOf(heading: string): { event: string; before: string; after: string }[] {
  const [head, , ...rows] = TABLES.find(([first]) => first![0] === heading)!;
  const states = head!.slice(1);
  return rows.flatMap(([event, ...cells]) =>
    cells.flatMap((after, column) =>
      after === '–' ? [] : [{ event: event!, before: states[column]!, after }],
    ),
  );
}

describe('an integration', () => {
  let scimify: Scimify;
  let suspensions: Suspensions;
  let integrations: Integrations;
  let tenantId: string;
  let key: string;
  let id: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    suspensions = scimify.app.get(Suspensions);
    integrations = scimify.app.get(Integrations);
    tenantId = await scimify.createTenant();
    // Each test makes one step, and a run would make the next one.
    jest.spyOn(scimify.app.get(IntegrationRun), 'run').mockResolvedValue({ more: false });
  });

  beforeEach(async () => {
    key = scimify.pagerDuty.addApiKey();
    ({ id } = await scimify.createIntegration({ authMethod: 'api_key', secret: key, tenantId }));
  });

  afterAll(() => scimify.stop());

  const path = (rest = '') => `/integrations/${id}${rest}`;

  const inTransaction = (work: (tx: Transaction, integration: Integration) => Promise<void>) =>
    scimify.app.get(TransactionRunner).run(async (tx) => work(tx, await integrations.locked(tx, id)));

  const suspend = (tx: Transaction, reason: string, nextProbeAt: number | null) =>
    suspensions.suspend(tx, id, { reason, message: 'It does not work.', nextProbeAt });

  const stateNow = async (): Promise<string> => {
    const integration = (await integrations.find(id))!;
    if (integration.suspensionReason === null) return 'works';
    const state = STATE_OF[integration.suspensionReason]!;
    return mayWrite({ ...integration, mode: 'enabled' }) ? `${state} + probe` : state;
  };

  const suspensionsTo: Record<string, (tx: Transaction, integration: Integration) => Promise<void>> = {
    refused: (tx) => suspend(tx, FAILURE.reason, Date.now() + HOUR),
    mismatch: (tx, integration) => suspensions.accountMismatched(tx, integration, 'Another one answers.'),
    lost: (tx) => suspend(tx, VISIBILITY_LOST, null),
  };

  const probesOf: Record<string, (tx: Transaction) => Promise<void>> = {
    refused: (tx) => suspensions.probeSoon(tx, id),
    mismatch: (tx) => integrations.raiseRevision(tx, id, {}),
    lost: (tx) => suspensions.scheduleVisibilityProbe(tx, id),
  };

  const reach = async (state: string): Promise<void> => {
    const [reason, probe] = state.split(' + ') as [string, string?];
    if (state !== 'works') await inTransaction(suspensionsTo[reason]!);
    if (probe) await inTransaction(probesOf[reason]!);
    expect(await stateNow()).toBe(state);
  };

  const findings: Record<string, (tx: Transaction, integration: Integration) => Promise<void>> = {
    'a failure that passes': (tx) => suspensions.connectionFailed(tx, id, FAILURE),
    'a refused credential': suspensionsTo.refused!,
    'another account': suspensionsTo.mismatch!,
    'the recorded account': (tx, integration) => suspensions.accountConfirmed(tx, integration, ACCOUNT),
    'most groups out of sight': suspensionsTo.lost!,
    'that what failed works': (tx, integration) => suspensions.recovered(tx, integration),
    'no clear view of the groups': (tx) => suspensions.keepVisibilityLost(tx, id),
  };

  const requests: Record<string, () => Promise<Answer>> = {
    'tests with success': () => scimify.admin.post(path('/connection-test')),
    'tests without success': () => {
      scimify.pagerDuty.disableKey(key);
      return scimify.admin.post(path('/connection-test'));
    },
    'stores a tested secret': () =>
      scimify.admin.put(path('/secret'), { secret: scimify.pagerDuty.addApiKey() }),
    'stores other settings': () => scimify.admin.patch(path(), { settings: { groupDescription: 'Mine' } }),
    syncs: () => scimify.admin.post(path('/sync')),
    reconciles: () => scimify.admin.post(path('/reconcile')),
    'accepts missing groups': () => scimify.admin.post(path('/reconcile'), { acceptMissingTeams: true }),
    'changes the mode': () => scimify.admin.post(path('/pause')),
    rebinds: () => scimify.admin.post(path('/rebind'), { secret: scimify.pagerDuty.addApiKey() }),
    deletes: () => scimify.admin.delete(path('?teams=leave')),
  };

  it.each([
    ['works', true],
    ['refused', false],
    ['refused + probe', true],
    ['mismatch', false],
    ['mismatch + probe', true],
    ['lost', false],
    ['lost + probe', true],
  ])('in the state "%s" lets the engine call the target, if the mode does: %s', async (state, calls) => {
    await reach(state);
    const integration = (await integrations.find(id))!;
    for (const mode of INTEGRATION_MODES) {
      expect(mayWrite({ ...integration, mode, deletingSince: 1 })).toBe(calls);
      const expected = calls && mode === 'enabled';
      expect(mayWrite({ ...integration, mode })).toBe(expected);
      await inTransaction(async (tx) => {
        await tx.query('UPDATE integration SET mode = ? WHERE id = ?', [mode, id]);
        const sql = `SELECT i.id FROM integration i WHERE i.id = ? AND ${MAY_WRITE}`;
        expect(await tx.query(sql, [id, Date.now()])).toHaveLength(expected ? 1 : 0);
      });
    }
  });

  it.each(stepsOf('the engine finds'))(
    'in the state "$before" is "$after" once the engine finds $event',
    async ({ before, event, after }) => {
      await reach(before);
      await inTransaction(findings[event]!);
      expect(await stateNow()).toBe(after);
    },
  );

  it.each(stepsOf('an admin'))(
    'in the state "$before" is "$after" once an admin $event',
    async ({ before, event, after }) => {
      await reach(before);
      expect((await requests[event]!()).status).toBeLessThan(300);
      expect(await stateNow()).toBe(after);
    },
  );

  it('whose settings were refused works once an admin stores other settings', async () => {
    await inTransaction((tx) => suspend(tx, SETTINGS_REFUSED, Date.now() + HOUR));
    await requests['stores other settings']!();
    expect(await stateNow()).toBe('works');
  });
});
