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

/** `unknown`: the target refuses the look-up, or an admin undid the link and the new look-up is open. */
export type RemoteUserState = 'unknown' | 'resolved' | 'not_found' | 'ambiguous';

/** Links an IdP user to a remote user. Two IdP users may have the same remote user. */
@Entity('remote_user')
@Index('remote_user_of_integration', ['integrationId', 'remoteUserId'])
@Index('remote_user_by_address', ['integrationId', 'linkedEmailKey'])
@Index('remote_user_in_review', ['integrationId', 'reason', 'nextCheckAt', 'userId'])
export class RemoteUser {
  @PrimaryIdColumn() userId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) state: RemoteUserState;
  @KeyColumn(191, { nullable: true }) remoteUserId: string | null;
  /**
   * The remote user that was gone when the engine made a call: searches of the target may still show it for a
   * while.
   */
  @KeyColumn(191, { nullable: true }) goneRemoteUserId: string | null;
  /** The folded address that found the linked remote user; later look-ups of another address do not change it. */
  @KeyColumn(1100, { nullable: true }) linkedEmailKey: string | null;
  /**
   * The folded address that was looked up: the engine looks up the user again if the address in the directory
   * differs.
   */
  @KeyColumn(1100, { nullable: true }) emailKey: string | null;
  /** `ScimUser.targetAttributesKey` that was looked up: a difference has the same effect. */
  @KeyColumn(64, { nullable: true }) targetAttributesKey: string | null;
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  /** `ScimUser.incarnation` that was looked up. */
  @IntegerColumn() incarnation: number;
  /** Look-ups in a row that did not find exactly one remote user. */
  @IntegerColumn() attempts: number;
  /**
   * An admin set the link: no look-up changes it while the IdP user is the same person and the remote user exists.
   */
  @BooleanColumn() pinned: boolean;
  @TimeColumn() checkedAt: number;
  @TimeColumn({ nullable: true }) nextCheckAt: number | null;
}
