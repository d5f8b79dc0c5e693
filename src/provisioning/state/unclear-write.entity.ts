import { Entity } from 'typeorm';
import { KeyColumn, PrimaryIdColumn, TimeColumn } from '../../database/column-types';

/**
 * A person whom we added to a remote group or removed from it without learning how that ended. Whatever was written to
 * this pair afterwards, the earlier call may still take effect behind it.
 */
@Entity('unclear_write')
export class UnclearWrite {
  @PrimaryIdColumn() remoteGroupId: string;
  @KeyColumn(191, { primary: true }) remoteUserId: string;
  /** By then the call has taken effect if it ever does, and the target's reads show what was written last. */
  @TimeColumn() checkAt: number;
}
