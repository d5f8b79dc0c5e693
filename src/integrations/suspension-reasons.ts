/** The credential no longer sees teams that it saw before. Only an admin who has checked the target ends this. */
export const VISIBILITY_LOST = 'visibility_lost';

/** The credential belongs to another account. The stored ids of remote groups and users are not valid there. */
export const ACCOUNT_MISMATCH = 'account_mismatch';

/** This version rejects the stored settings. Valid settings end the suspension. */
export const SETTINGS_REFUSED = 'settings_refused';
