/** What Scimify may do to a target on its own; an integration states what differs from the defaults. */
export interface IntegrationPolicies {
  /** A team of the group's name that exists already: use it, or block the group. */
  existingTeams: 'adopt' | 'fail';
  /** What becomes of the team when the IdP deletes the group; an adopted team is never deleted but released. */
  onGroupDelete: 'delete' | 'release' | 'leave';
}

const DEFAULT_POLICIES: IntegrationPolicies = { existingTeams: 'adopt', onGroupDelete: 'delete' };

/** What is left out or undefined keeps its default. */
export function withDefaults({
  existingTeams,
  onGroupDelete,
}: Partial<IntegrationPolicies> = {}): IntegrationPolicies {
  return {
    existingTeams: existingTeams ?? DEFAULT_POLICIES.existingTeams,
    onGroupDelete: onGroupDelete ?? DEFAULT_POLICIES.onGroupDelete,
  };
}
