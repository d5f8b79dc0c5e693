/** The credential has lost sight of teams that it knew: only an admin who has looked at the target ends this. */
export const VISIBILITY_LOST = 'visibility_lost';

/** The credential belongs to another account than the one whose groups and people are known by their ids. */
export const ACCOUNT_MISMATCH = 'account_mismatch';

/** The stored settings are not accepted by this version: settings that are end this. */
export const SETTINGS_REFUSED = 'settings_refused';
