/**
 * Of a `group_change` c and the `remote_group` r of its group, if there is one: whether the engine may look at the change
 * now. What was put off waits, unless it was refused for good and is wanted in another way since. Takes the time.
 */
export const CHANGE_IS_DUE = `(r.notBefore IS NULL OR r.notBefore <= ?
  OR (r.blockedMark IS NOT NULL AND r.blockedMark <> c.mark))`;
