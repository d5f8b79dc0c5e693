import { Entity } from 'typeorm';
import { LongTextColumn, PrimaryIdColumn } from './column-types';

/** Empty, except while `DatabaseSpace` tests whether a full disk has space again. */
@Entity('room_probe')
export class RoomProbe {
  @PrimaryIdColumn() id: string;
  @LongTextColumn() filling: string;
}
