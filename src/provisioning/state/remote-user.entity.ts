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

export type RemoteUserState = 'resolved' | 'not_found' | 'ambiguous';

/** Which person of the target an IdP user is. Two IdP users may be one remote user. */
@Entity('remote_user')
@Index('remote_user_of_integration', ['integrationId', 'remoteUserId'])
export class RemoteUser {
  @PrimaryIdColumn() userId: string;
  @IdColumn() integrationId: string;
  @TextColumn(16) state: RemoteUserState;
  @KeyColumn(191, { nullable: true }) remoteUserId: string | null;
  /** The folded address that was looked up: another one in the directory means looking up afresh. */
  @KeyColumn(1100, { nullable: true }) emailKey: string | null;
  @TextColumn(64, { nullable: true }) reason: string | null;
  @TextColumn(1000, { nullable: true }) message: string | null;
  /** `ScimUser.incarnation` that was looked up. */
  @IntegerColumn() incarnation: number;
  /** How many look-ups in a row found nobody. */
  @IntegerColumn() attempts: number;
  /** An admin said who it is: no look-up says otherwise for as long as it is the same person and they are there. */
  @BooleanColumn() pinned: boolean;
  @TimeColumn() checkedAt: number;
  @TimeColumn({ nullable: true }) nextCheckAt: number | null;
}
