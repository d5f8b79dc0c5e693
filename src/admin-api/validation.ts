import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { isStorable } from '../database/storable-text';
import { Problem } from './problem';
import type { FieldProblem } from './problem-codes';

/** Bodies and queries of the admin API: unknown fields are refused, every wrong field is named. */
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
    if (metadata.metatype && this.toValidate(metadata)) refuseUnstorable(value);
    return (await super.transform(value, metadata)) as unknown;
  }
}

/** @throws Problem 400 that names each field */
function refuseUnstorable(value: unknown): void {
  const fields = typeof value === 'object' && value !== null ? [...fieldsUnstorable(value, '')] : [];
  if (fields.length === 0) return;
  const message = 'must not hold U+0000 or half of a surrogate pair';
  throw Problem.invalid(fields.map((field) => ({ field, message })));
}

function* fieldsUnstorable(value: object, parent: string): Generator<string> {
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    const field = fieldIn(parent, shortened(name));
    if (typeof inner === 'string' && !isStorable(inner)) yield field;
    if (typeof inner === 'object' && inner !== null) yield* fieldsUnstorable(inner, field);
  }
}

const fieldIn = (parent: string, name: string): string => (parent ? `${parent}.${name}` : name);

function fieldProblems(error: ValidationError, parent: string): FieldProblem[] {
  const unknown = error.constraints?.['whitelistValidation'] !== undefined;
  const name = unknown ? shortened(error.property) : error.property;
  const field = fieldIn(parent, name);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field,
    message: rule === 'whitelistValidation' ? 'is not a known field' : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, field))];
}

/** Longer than any name of ours. */
const LONGEST_NAME = 32;

/** A key that was put where a name belongs is not said again. */
function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, 12)}…` : name;
}
