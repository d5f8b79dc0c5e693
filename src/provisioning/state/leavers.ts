/** Somebody left the company, and the target keeps them in a team: for people to act on before anything else. */
export const LEAVER_STILL_ON_TEAM = 'leaver_still_on_team';

/**
 * SQL condition: the IdP has nobody active any more who is this member, and the target refuses to let them go.
 *
 * @param member alias of `remote_member`
 * @param integrationId expression
 */
export function isLeaverStillOnTeam(member: string, integrationId: string): string {
  const linked = `FROM remote_user lu LEFT JOIN scim_user su ON su.id = lu.userId
    WHERE lu.integrationId = ${integrationId} AND lu.remoteUserId = ${member}.remoteUserId`;
  return `(${member}.state = 'removing' AND ${member}.kind = 'waiting' AND EXISTS (SELECT 1 ${linked})
    AND NOT EXISTS (SELECT 1 ${linked} AND su.active = 1 AND su.deletedAt IS NULL))`;
}

/** @param refusal what the target said, and what to do about it */
export function leaverMessage(refusal: string | null): string {
  const cause = 'Somebody whom the identity provider deactivated or deleted is still in the team.';
  return refusal === null ? cause : `${cause} ${refusal}`;
}
