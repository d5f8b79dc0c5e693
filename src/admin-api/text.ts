import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';

/**
 * Checks the length of a text and documents it. The length is in code points, as in JSON Schema and in a VARCHAR.
 * Another count could accept a text that the database rejects.
 */
export const IsText = (least: number, most: number) =>
  applyDecorators(
    ApiProperty({ minLength: least || undefined, maxLength: most }),
    ValidateBy({
      name: 'isText',
      validator: {
        // A code point has at most two code units, so the count can skip a text that is far too long.
        validate: (value: unknown) =>
          typeof value === 'string' && value.length <= 2 * most && isBetween(least, most, [...value].length),
        defaultMessage: () => `must be a text of ${least} to ${most} characters`,
      },
    }),
  );

const isBetween = (least: number, most: number, length: number): boolean => length >= least && length <= most;
