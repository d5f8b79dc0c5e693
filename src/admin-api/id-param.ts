import { Param, type PipeTransform } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { Problem } from './problem';

class ExistingId implements PipeTransform<string> {
  transform(value: string): string {
    const id = value.toLowerCase();
    if (!isUuid(id)) throw Problem.notFound('resource');
    return id;
  }
}

/** An id in the path. An invalid UUID gives 404 without a database query. */
export const IdParam = (name: string) => Param(name, new ExistingId());
