import type { Type } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';

/**
 * Describes the body of a PATCH. The first example in Swagger UI changes nothing, so a trial does no harm.
 *
 * @param changes further example bodies, by title
 */
export function ApiMergePatch(type: Type, changes: Record<string, object>): MethodDecorator {
  const bodies = Object.entries<object>({ 'Change nothing': {}, ...changes });
  const examples = Object.fromEntries(bodies.map(([name, value]) => [name, { value }]));
  return ApiBody({ type, required: false, examples });
}
