import { ApiProperty } from '@nestjs/swagger';
import { isoTime } from '../../admin-api/time';
import type { RefusedWriteRow } from '../../directory/refused-writes';
import { REFUSAL_DETAIL } from './examples';

/** The IdP's last write of a resource that was refused and that nothing has made up for: `idp_write_refused`. */
export class RefusalView {
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ example: 400 }) status: number;
  @ApiProperty({ description: 'What the IdP was told', example: REFUSAL_DETAIL }) detail: string;
}

export function presentRefusal(row: RefusedWriteRow | undefined): RefusalView | null {
  return row ? { at: isoTime(row.at), status: row.status, detail: row.detail } : null;
}
