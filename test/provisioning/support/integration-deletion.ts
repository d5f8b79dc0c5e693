import type { Scimify, TestIntegration } from '../../support/scimify';
import { waitFor } from '../../support/wait';

/** So that the next one finds a PagerDuty without teams: for tests whose accounts have none but its own. */
export async function deleteWithTeams(scimify: Scimify, integration: TestIntegration): Promise<void> {
  await scimify.admin.delete(`/integrations/${integration.id}?teams=delete`);
  await waitFor(
    'the teams to be gone',
    () => Object.keys(scimify.teams()),
    ({ length }) => length === 0,
  );
}
