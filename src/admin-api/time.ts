import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';

const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/**
 * The instant of an RFC 3339 date-time in epoch milliseconds. One without a zone is none: it would be read in that of the
 * server.
 *
 * @returns NaN where it is none, days that the calendar does not have included, and what is none any more in UTC
 */
export function parseTime(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined || !isDay(day)) return NaN;
  const time = Date.parse(text.toUpperCase());
  return RFC_3339.test(isoTime(time)) ? time : NaN;
}

/** `Date.parse` takes the 30th of February for one in March. */
function isDay(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return Number.isFinite(midnight) && isoTime(midnight).startsWith(day);
}

/** A date-time with its zone, which the document says as well. */
export const IsTime = () =>
  applyDecorators(
    ApiProperty({ format: 'date-time' }),
    ValidateBy({
      name: 'isTime',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && Number.isFinite(parseTime(value)),
        defaultMessage: () =>
          'must be a date and time with its zone, as 2026-01-31T08:00:00Z; in a query a + is written %2B',
      },
    }),
  );

export const isoTime = (time: number): string => new Date(time).toISOString();
export const isoTimeOrNull = (time: number | null): string | null => (time === null ? null : isoTime(time));
