import { ApiProperty } from '@nestjs/swagger';
import { isoTime } from '../../admin-api/time';
import type { RefusedWriteRow } from '../../directory/refused-writes';
import { REFUSAL_DETAIL } from './examples';

/** The last refused write of the IdP for a resource, if no later write has replaced it: `idp_write_refused`. */
export class RefusalView {
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ example: 400 }) status: number;
  @ApiProperty({ description: 'The error that the IdP got', example: REFUSAL_DETAIL }) detail: string;
}

export function presentRefusal(row: RefusedWriteRow | undefined): RefusalView | null {
  return row ? { at: isoTime(row.at), status: row.status, detail: row.detail } : null;
}
