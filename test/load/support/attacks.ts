import type { Attack } from './attack';
import { DOOR_ATTACKS } from './door-attacks';
import { READ_ATTACKS } from './read-attacks';
import { WRITE_ATTACKS } from './write-attacks';

/** Everything that one client may try, of which each is known to have held the thread or is like one that has. */
export const ATTACKS: readonly Attack[] = [...DOOR_ATTACKS, ...READ_ATTACKS, ...WRITE_ATTACKS];
