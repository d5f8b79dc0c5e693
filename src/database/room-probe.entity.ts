import { Entity } from 'typeorm';
import { LongTextColumn, PrimaryIdColumn } from './column-types';

/** Empty but for the moment in which it is tried whether a database that was full has room again. */
@Entity('room_probe')
export class RoomProbe {
  @PrimaryIdColumn() id: string;
  @LongTextColumn() filling: string;
}
