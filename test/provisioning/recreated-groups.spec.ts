import { isDeepStrictEqual } from 'node:util';
import { UserResolution } from '../../src/provisioning/apply/user-resolution';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const email = (name: string) => `${name}@example.com`;
const OURS = ['ada', 'bo', 'cy', 'di', 'ed', 'fi'];

jest.setTimeout(60_000);

describe('a group that the IdP makes anew while its former team is being let go', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of [...OURS, 'hand']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = await integration.scim.createUsers(OURS.map(email));
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await scimify.stop();
  });

  /**
   * Holds back a part of each run at its beginning, as a slow search for people does, until the test calls the
   * result.
   */
  const holdBackSearch = (): (() => void) => {
    const resolution = scimify.app.get(UserResolution);
    const review = resolution.reviewDiffering.bind(resolution);
    let goOn = () => undefined as void;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    jest.spyOn(resolution, 'reviewDiffering').mockImplementation(async (run) => {
      await held;
      return review(run);
    });
    return goOn;
  };

  const act = async (action: 'pause' | 'enable') => {
    const { status } = await scimify.admin.post(`/integrations/${integration.id}/${action}`);
    expect(status).toBe(200);
  };

  const recreateDuring = async (latencyMs: number): Promise<string> => {
    const former = await integration.scim.createGroup('On-call', users);
    await scimify.settled(integration);
    // The first run that is held back is the one that releases the team.
    await act('pause');
    await letTimePass(scimify, 0);
    const lettingGo = scimify.pagerDuty.inject({ method: 'DELETE', path: /^\/teams\//, latencyMs });
    const goOn = holdBackSearch();
    await integration.scim.delete(`/Groups/${former}`);
    await act('enable');
    await waitFor('the team to be let go', lettingGo.hits, (hits) => hits > 0);
    const group = await integration.scim.createGroup('On-call', users);
    goOn();
    return group;
  };

  it.each([
    ['deleted', 4_000, () => undefined],
    [
      'released',
      700,
      () => {
        const { id } = scimify.pagerDuty.addTeam({ name: 'On-call' });
        scimify.pagerDuty.addMember(id, scimify.pagerDuty.user(email('hand'))!.id);
      },
    ],
  ])('has a team with everybody in it, although that one is %s', async (_, latencyMs, prepare) => {
    prepare();
    const group = await recreateDuring(latencyMs);
    const look = async () => ({
      unanswered: scimify.pagerDuty.calls().filter(({ status }) => status === null).length,
      groups: (await scimify.groups(integration)).map(({ id, state }) => [id, state]),
      team: scimify.teams()['On-call']?.filter((member) => member !== email('hand')),
    });
    const rest = { unanswered: 0, groups: [[group, 'synced']], team: OURS.map(email) };
    expect(await waitFor('rest', look, (seen) => isDeepStrictEqual(seen, rest), 40_000)).toEqual(rest);
    expect(scimify.pagerDuty.teams()).toHaveLength(1);
  });
});
