import type { Scimify, TestIntegration } from '../../support/scimify';
import { waitFor } from '../../support/wait';

/** Leaves PagerDuty without teams for the next test. Only for tests whose accounts have no other teams. */
export async function deleteWithTeams(scimify: Scimify, integration: TestIntegration): Promise<void> {
  await scimify.admin.delete(`/integrations/${integration.id}?teams=delete`);
  await waitFor(
    'the teams to be gone',
    () => Object.keys(scimify.teams()),
    ({ length }) => length === 0,
  );
}
