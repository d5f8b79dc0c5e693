import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';

const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/**
 * Parses an RFC 3339 date-time to epoch milliseconds. A time without a zone is invalid, because `Date` would use
 * the zone of the server.
 *
 * @returns NaN for an invalid time, also for a day that does not exist or a year that is invalid in UTC
 */
export function parseTime(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined || !isDay(day)) return NaN;
  const time = Date.parse(text.toUpperCase());
  return RFC_3339.test(isoTime(time)) ? time : NaN;
}

/** `Date.parse` converts the 30th of February to a day in March. */
function isDay(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return Number.isFinite(midnight) && isoTime(midnight).startsWith(day);
}

/** Requires a date-time with its zone and documents it. */
export const IsTime = () =>
  applyDecorators(
    ApiProperty({ format: 'date-time' }),
    ValidateBy({
      name: 'isTime',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && Number.isFinite(parseTime(value)),
        defaultMessage: () =>
          'must be a date and time with a zone, like 2026-01-31T08:00:00Z. In a query write + as %2B',
      },
    }),
  );

export const isoTime = (time: number): string => new Date(time).toISOString();
export const isoTimeOrNull = (time: number | null): string | null => (time === null ? null : isoTime(time));
