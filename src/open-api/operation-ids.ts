import type { Method } from './types';

/**
 * The name of an operation in generated clients. It is made of parts that cannot change without breaking them
 * anyway:
 *
 * | operation | name |
 * |---|---|
 * | `GET /tenants`, `GET /tenants/{tenantId}` | `listTenants`, `getTenant` |
 * | `POST /tenants/{tenantId}/integrations` (201) | `createTenantIntegration` |
 * | `PATCH`, `PUT`, `DELETE` | `updateIntegration`, `replaceIntegrationUserRemoteLink`, `deleteScimKey` |
 * | `POST /integrations/{id}/groups/{groupId}/retry` (no 201) | `retryIntegrationGroup` |
 */
export function operationId(method: Method, path: string, creates: boolean): string {
  const segments = path.replace('/api/v1/', '').split('/');
  const nouns = segments.filter((segment) => !segment.startsWith('{'));
  const last = nouns.at(-1)!;
  const owners = nouns.slice(0, -1).map(singular);
  if (method === 'post' && !creates) return camelCase([last, ...owners]);
  const isList = method === 'get' && last.endsWith('s') && !segments.at(-1)!.startsWith('{');
  return camelCase(isList ? ['list', ...owners, last] : [VERBS[method], ...owners, singular(last)]);
}

const VERBS = { get: 'get', post: 'create', put: 'replace', patch: 'update', delete: 'delete' } as const;

const singular = (noun: string): string => noun.replace(/s$/, '');

function camelCase(parts: readonly string[]): string {
  return parts
    .flatMap((part) => part.split('-'))
    .filter((word) => word !== '')
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join('');
}
