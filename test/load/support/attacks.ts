import type { Attack } from './attack';
import { DOOR_ATTACKS } from './door-attacks';
import { READ_ATTACKS } from './read-attacks';
import { WRITE_ATTACKS } from './write-attacks';

/** All attacks. Each one has once blocked the event loop, or is similar to one that has. */
export const ATTACKS: readonly Attack[] = [...DOOR_ATTACKS, ...READ_ATTACKS, ...WRITE_ATTACKS];
