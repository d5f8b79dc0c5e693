/**
 * Of a `group_change` c and the `remote_group` r of its group, if there is one: whether the engine may look at the change
 * now. What was put off waits, unless the group changed since and what put it off, a refusal or the failing call of
 * somebody, says nothing of the change; or unless somebody is to leave the team of a deleted group before its deletion is tried
 * again. Takes the time twice.
 */
export const CHANGE_IS_DUE = `(r.notBefore IS NULL OR r.notBefore <= ?
  OR (r.blockedMark IS NOT NULL AND r.blockedMark <> c.mark)
  OR (r.deletingSince IS NOT NULL AND r.nextAttemptAt <= ?))`;
