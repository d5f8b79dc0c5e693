import { Entity } from 'typeorm';
import { KeyColumn, PrimaryIdColumn, TimeColumn } from '../../database/column-types';

/**
 * An addition or removal with an unknown outcome. The earlier call may still take effect after later writes to the
 * same member.
 */
@Entity('unclear_write')
export class UnclearWrite {
  @PrimaryIdColumn() remoteGroupId: string;
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  /** By then the call has taken effect if it ever does, and reads of the target show the last write. */
  @TimeColumn() checkAt: number;
}
