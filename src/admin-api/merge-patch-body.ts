import type { Type } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';

/**
 * Describes the body of a PATCH. Whoever tries it out begins with a patch that changes nothing.
 *
 * @param changes by what each does: bodies to begin from
 */
export function ApiMergePatch(type: Type, changes: Record<string, object>): MethodDecorator {
  const bodies = Object.entries<object>({ 'Change nothing': {}, ...changes });
  const examples = Object.fromEntries(bodies.map(([name, value]) => [name, { value }]));
  return ApiBody({ type, required: false, examples });
}
