/**
 * SQL condition on a `group_change` c and the `remote_group` r of its group, if any: whether the engine may
 * process the change now. A group that is put off waits, with two exceptions: the group changed since the refusal
 * or failed call that put it off, or a removal from the remote group of a deleted group is due before the next
 * attempt at its deletion. Takes the time twice.
 */
export const CHANGE_IS_DUE = `(r.notBefore IS NULL OR r.notBefore <= ?
  OR (r.blockedMark IS NOT NULL AND r.blockedMark <> c.mark)
  OR (r.deletingSince IS NOT NULL AND r.nextAttemptAt <= ?))`;
