import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('rows of what the IdP deleted', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('go although another integration is paused and has a deleted group with a deleted member', async () => {
    const paused = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    const ada = await paused.scim.createUser('ada@example.com');
    const group = await paused.scim.createGroup('On-call', [ada]);
    await paused.scim.delete(`/Groups/${group}`);
    await paused.scim.delete(`/Users/${ada}`);
    const other = await scimify.createIntegration({ authMethod: 'api_key' });
    const eve = await other.scim.createUser('eve@example.com');
    await other.scim.delete(`/Users/${eve}`);
    await waitFor(
      'the row to go',
      () =>
        scimify.app
          .get(TransactionRunner)
          .run((tx) => tx.query('SELECT 1 FROM scim_user WHERE id = ?', [eve])),
      ({ length }) => length === 0,
    );
  });
});
