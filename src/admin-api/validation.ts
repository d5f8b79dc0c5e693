import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { isStorable } from '../database/storable-text';
import { Problem } from './problem';
import type { FieldProblem } from './problem-codes';

/** Validates bodies and queries of the admin API. Rejects unknown fields and lists every invalid field. */
export function adminValidation(): ValidationPipe {
  return new AdminValidation({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    exceptionFactory: (errors) => Problem.invalid(errors.flatMap((error) => fieldProblems(error, ''))),
  });
}

class AdminValidation extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.metatype && this.toValidate(metadata)) {
      assertFewValues(value);
      refuseFields(value, isUnstorable, 'must not contain U+0000 or half of a surrogate pair');
      refuseFields(value, isInherited, UNKNOWN_FIELD);
    }
    return (await super.transform(value, metadata)) as unknown;
  }
}

/** Far more than any request of the admin API needs. */
const MAX_VALUES = 1_000;

/**
 * The cost of `class-transformer` grows with the square of the number of names in an object.
 *
 * @throws Problem 400 for more than `MAX_VALUES` values in the whole body
 */
function assertFewValues(body: unknown): void {
  let left = MAX_VALUES;
  const count = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Object.values(value) as unknown[]) {
      left -= 1;
      if (left < 0) {
        throw new Problem(
          'bad_request',
          `The body holds more than ${MAX_VALUES} values. Send only the fields that you need.`,
        );
      }
      count(inner);
    }
  };
  count(body);
}

const UNKNOWN_FIELD = 'is not a known field';

const isUnstorable = (_name: string, value: unknown) => typeof value === 'string' && !isStorable(value);
/** `class-validator` accepts names that every object inherits, like `constructor`, as known fields. */
const isInherited = (name: string) => name in Object.prototype;

/** @throws Problem 400 that lists each field for which `isSo` is true */
function refuseFields(
  value: unknown,
  isSo: (name: string, value: unknown) => boolean,
  message: string,
): void {
  const fields = typeof value === 'object' && value !== null ? [...fieldsThat(isSo, value, '')] : [];
  if (fields.length > 0) throw Problem.invalid(fields.map((field) => ({ field, message })));
}

function* fieldsThat(
  isSo: (name: string, value: unknown) => boolean,
  value: object,
  parent: string,
): Generator<string> {
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    const field = fieldIn(parent, shortened(name));
    if (isSo(name, inner)) yield field;
    if (typeof inner === 'object' && inner !== null) yield* fieldsThat(isSo, inner, field);
  }
}

const fieldIn = (parent: string, name: string): string => (parent ? `${parent}.${name}` : name);

function fieldProblems(error: ValidationError, parent: string): FieldProblem[] {
  const unknown = error.constraints?.['whitelistValidation'] !== undefined;
  const name = unknown ? shortened(error.property) : error.property;
  const field = fieldIn(parent, name);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field,
    message: rule === 'whitelistValidation' ? UNKNOWN_FIELD : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, field))];
}

/** Longer than any field name of this API. */
const LONGEST_NAME = 32;

/** If a client sends a key as a field name, the answer must not repeat the whole key. */
function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, 12)}…` : name;
}
