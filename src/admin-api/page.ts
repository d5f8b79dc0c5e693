import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { validate as isUuid } from 'uuid';
import { Problem } from './problem';
import { IsText } from './text';

/** Query of every list. Rows are in the order of their ids and begin after the cursor. */
export class PageQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`nextCursor` of the previous page' })
  @IsOptional()
  @IsText(0, 200)
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export class PageInfo {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Pass it as `cursor` to get the next page. Null on the last page',
  })
  nextCursor: string | null;
}

/** The page begins after this id. It is empty without a cursor. */
export function cursorId(query: PageQuery): string {
  if (query.cursor === undefined) return '';
  const id = Buffer.from(query.cursor, 'base64url').toString('utf8');
  if (!isUuid(id)) throw Problem.invalid([{ field: 'cursor', message: 'is not a cursor of this list' }]);
  return id;
}

/** @param rows up to limit + 1 rows: one extra row shows that there are more */
export function toPage<T extends { id: string }, R>(
  rows: readonly T[],
  limit: number,
  present: (row: T) => R,
): Page<R> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map(present),
    nextCursor: last ? cursorOf(last.id) : null,
  };
}

/** The inverse of `cursorId`. */
export function cursorOf(id: string): string {
  return Buffer.from(id).toString('base64url');
}
