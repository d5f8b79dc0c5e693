import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('an integration of whose groups each waits for its next attempt', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('has nothing to do until then, or until the IdP changes one of them', async () => {
    const integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const group = await integration.scim.createGroup('A name that is too long for PagerDuty'.repeat(5));
    await scimify.settled(integration, ['blocked']);
    await waitFor(
      'it to have nothing to do',
      () => scimify.app.get(WorkLedger).due(Date.now()),
      ({ length }) => length === 0,
    );
    await integration.scim.renameGroup(group, 'On-call');
    await scimify.settled(integration);
    expect(Object.keys(scimify.teams())).toEqual(['On-call']);
  });
});
