import { Entity, Index } from 'typeorm';
import {
  BooleanColumn,
  IdColumn,
  IntegerColumn,
  KeyColumn,
  PrimaryIdColumn,
  TextColumn,
  TimeColumn,
} from '../../database/column-types';

/** `unknown`: the target refuses to look for the person, or an admin undid the link and they are not looked up yet. */
export type RemoteUserState = 'unknown' | 'resolved' | 'not_found' | 'ambiguous';

/** Which person of the target an IdP user is. Two IdP users may be one remote user. */
@Entity('remote_user')
@Index('remote_user_of_integration', ['integrationId', 'remoteUserId'])
@Index('remote_user_by_address', ['integrationId', 'linkedEmailKey'])
@Index('remote_user_in_review', ['integrationId', 'reason', 'nextCheckAt', 'userId'])
export class RemoteUser {
  @PrimaryIdColumn() userId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) state: RemoteUserState;
  @KeyColumn(191, { nullable: true }) remoteUserId: string | null;
  /** Whom the target no longer had when a call was made: its searches may show them for a while longer. */
  @KeyColumn(191, { nullable: true }) goneRemoteUserId: string | null;
  /** The folded address that found the person of the link, which the look-ups for a later one leave as it is. */
  @KeyColumn(1100, { nullable: true }) linkedEmailKey: string | null;
  /** The folded address that was looked up: another one in the directory means looking up afresh. */
  @KeyColumn(1100, { nullable: true }) emailKey: string | null;
  /** `ScimUser.targetAttributesKey` that was looked up: another one means the same. */
  @KeyColumn(64, { nullable: true }) targetAttributesKey: string | null;
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  /** `ScimUser.incarnation` that was looked up. */
  @IntegerColumn() incarnation: number;
  /** How many look-ups in a row did not find one person. */
  @IntegerColumn() attempts: number;
  /** An admin said who it is: no look-up says otherwise for as long as it is the same person and they are there. */
  @BooleanColumn() pinned: boolean;
  @TimeColumn() checkedAt: number;
  @TimeColumn({ nullable: true }) nextCheckAt: number | null;
}
