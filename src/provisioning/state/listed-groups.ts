/** Groups `g` of the IdP, with what is recorded of their teams, `r`, and what changed since it was looked at, `c`. */
export const GROUPS = `scim_group g
  LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
  LEFT JOIN group_change c ON c.groupId = g.id`;

/** Those whom the list of groups shows: a deleted one for as long as the target has not let go of its team. */
export const IS_LISTED = '(g.deletedAt IS NULL OR r.id IS NOT NULL)';

/** A change that is not looked at yet outdates what was said before, unless something stands in its way. */
export const GROUP_STATE = `CASE
  WHEN r.id IS NULL THEN 'pending'
  WHEN c.groupId IS NOT NULL AND r.state IN ('synced', 'partial') THEN 'pending'
  ELSE r.state END`;
