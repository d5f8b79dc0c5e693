import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';

/**
 * A text of so many characters, which the document says as well. They are code points, as in JSON Schema and in a VARCHAR:
 * counted in any other way, a text could pass that the database does not take.
 */
export const IsText = (least: number, most: number) =>
  applyDecorators(
    ApiProperty({ minLength: least || undefined, maxLength: most }),
    ValidateBy({
      name: 'isText',
      validator: {
        // A code point has at most two code units: what is far too long is not counted.
        validate: (value: unknown) =>
          typeof value === 'string' && value.length <= 2 * most && isBetween(least, most, [...value].length),
        defaultMessage: () => `must be a text of ${least} to ${most} characters`,
      },
    }),
  );

const isBetween = (least: number, most: number, length: number): boolean => length >= least && length <= most;
