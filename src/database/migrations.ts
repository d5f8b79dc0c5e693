import { SharedExternalIds1790100000000 } from './migrations/1790100000000-shared-external-ids';
import { LiveKeys1790200000000 } from './migrations/1790200000000-live-keys';
import { UrgentChanges1790300000000 } from './migrations/1790300000000-urgent-changes';
import { RepeatedFailures1790310000000 } from './migrations/1790310000000-repeated-failures';
import { ToldOnce1790400000000 } from './migrations/1790400000000-told-once';
import { TargetAttributes1790500000000 } from './migrations/1790500000000-target-attributes';
import { RoomProbe1790600000000 } from './migrations/1790600000000-room-probe';
import { Refusals1790730000000 } from './migrations/1790730000000-refusals';
import { NetRemovals1790740000000 } from './migrations/1790740000000-net-removals';
import { HeldLeavers1790740000001 } from './migrations/1790740000001-held-leavers';
import { SmallChanges1790750000000 } from './migrations/1790750000000-small-changes';
import { RemovalsTakenBack1790760000000 } from './migrations/1790760000000-removals-taken-back';
import { SecondLooks1790771100000 } from './migrations/1790771100000-second-looks';
import { InitialSchema1790000000000 } from './migrations/1790000000000-initial-schema';

/** In the order in which they run; one that has been released is never edited. */
export const MIGRATIONS = [
  InitialSchema1790000000000,
  SharedExternalIds1790100000000,
  LiveKeys1790200000000,
  UrgentChanges1790300000000,
  RepeatedFailures1790310000000,
  ToldOnce1790400000000,
  TargetAttributes1790500000000,
  RoomProbe1790600000000,
  Refusals1790730000000,
  NetRemovals1790740000000,
  HeldLeavers1790740000001,
  SmallChanges1790750000000,
  RemovalsTakenBack1790760000000,
  SecondLooks1790771100000,
];
