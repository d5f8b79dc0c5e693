import { ApiProperty } from '@nestjs/swagger';
import { isoTime } from '../../admin-api/page';
import type { RefusedWriteRow } from '../../directory/refused-writes';

/** The IdP's last write of a resource that was refused and that nothing has made up for: `idp_write_refused`. */
export class RefusalView {
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ example: 400 }) status: number;
  @ApiProperty({ description: 'What the IdP was told' }) detail: string;
}

export function presentRefusal(row: RefusedWriteRow | undefined): RefusalView | null {
  return row ? { at: isoTime(row.at), status: row.status, detail: row.detail } : null;
}
