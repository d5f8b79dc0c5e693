import { Param, type PipeTransform } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { Problem } from './problem';

/** An id in the path. An invalid UUID gives 404 without a database query. */
export const IdParam = (name: string) => Param(name, ID_FORMAT);

const ID_FORMAT: PipeTransform<string> = { transform: parseId };

/** @throws Problem 404 for an invalid UUID */
export function parseId(value: string): string {
  const id = value.toLowerCase();
  if (!isUuid(id)) throw Problem.notFound('resource');
  return id;
}
