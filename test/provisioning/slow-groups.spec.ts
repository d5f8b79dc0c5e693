import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const LARGE = 60;
const email = (name: string) => `${name}@example.com`;

describe('a large group that PagerDuty is slow to take', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
  });

  afterAll(() => scimify.stop());

  it('keeps nobody on the team of another group who left it meanwhile, however long it takes', async () => {
    const names = ['ada', 'bo', ...Array.from({ length: LARGE }, (_, index) => `user.${index}`)];
    scimify.pagerDuty.addUsers(names.map((name) => ({ email: email(name) })));
    const [ada, bo, ...many] = await integration.scim.createUsers(names.map(email));
    await integration.scim.createGroup('On-call', [ada!, bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ method: 'PUT', path: /^\/teams\/\w+\/users\//, latencyMs: 500 });
    const additions = () => scimify.pagerDuty.calls({ method: 'PUT' }).length;
    const before = additions();
    await integration.scim.createGroup('Everybody', many);
    // Longer than an integration may work on its groups before others have their turn.
    await waitFor('half of them to be in', additions, (count) => count > before + LARGE / 2, 60_000);
    await integration.scim.setActive(ada!, false);
    await waitFor(
      'ada to leave',
      () => scimify.teams()['On-call']!,
      (emails) => emails.join() === email('bo'),
      60_000,
    );
    expect(scimify.teams().Everybody!.length).toBeLessThan(LARGE);
  }, 150_000);
});
