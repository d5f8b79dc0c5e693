import { LEAST_ROLE_EXTENSION } from '../tenants/authentication/admin';
import { operationId } from './operation-ids';
import { problemsWith } from './problem-answers';
import type { Method, Operation, Parameter, Responses } from './types';

/** Adds what follows from the shape of an operation, so controllers do not repeat it. */
export function completeAdminOperation(path: string, method: Method, operation: Operation): void {
  operation.operationId ||= operationId(method, path, '201' in operation.responses);
  const others = parametersOf(operation).filter((parameter) => parameter.in !== 'path');
  operation.parameters = [...idsIn(path), ...others];
  const role = leastRole(operation);
  if (role)
    operation.description = [operation.description, `Least role: \`${role}\`.`].filter(Boolean).join('\n\n');
  operation.responses = inOrder(operation, [
    ...Object.keys(operation.responses),
    ...problemsOf(operation, role),
  ]);
}

/** For health checks: their clients have no key and read only the status. */
export function completePublicOperation(path: string, method: Method, operation: Operation): void {
  operation.operationId ||= operationId(method, path, false);
  operation.security = [];
  for (const [status, response] of Object.entries(operation.responses)) {
    operation.responses[status] = response && described(response);
  }
}

function leastRole(operation: Operation): string | undefined {
  return (operation as Operation & Record<string, unknown>)[LEAST_ROLE_EXTENSION] as string | undefined;
}

/** The parameters in a path are ids. The segment before an id names its resource: `/tenants/{tenantId}`. */
function idsIn(path: string): Parameter[] {
  return [...path.matchAll(/([^/]+)\/\{(\w+)\}/g)].map(([, resources, name]) => ({
    name: name!,
    required: true,
    in: 'path',
    schema: { type: 'string', format: 'uuid' },
    description: `Id of the ${resources!.replace(/s$/, '').replaceAll('-', ' ')}`,
  }));
}

/** The responses from the controller and those from the shape of the operation, sorted by status. */
function inOrder(operation: Operation, statuses: readonly string[]): Responses {
  const responses: Responses = {};
  for (const status of [...new Set(statuses)].sort()) {
    const said = operation.responses[status];
    responses[status] = status < '400' ? said && described(said) : problemsWith(status, said);
  }
  return responses;
}

function described(response: NonNullable<Responses[string]>): NonNullable<Responses[string]> {
  return 'description' in response && response.description === ''
    ? { ...response, description: 'Done' }
    : response;
}

/** The error statuses that follow from the shape. Controllers declare 409, 412 and 422. */
function* problemsOf(operation: Operation, role: string | undefined): Generator<string> {
  const parameters = parametersOf(operation);
  const hasBody = operation.requestBody !== undefined;
  if (hasBody || parameters.some((parameter) => parameter.in === 'query')) yield '400';
  yield '401';
  if (role !== 'viewer') yield '403';
  if (parameters.some((parameter) => parameter.in === 'path')) yield '404';
  if (hasBody) yield* ['413', '415'];
  yield* ['429', '500', '503'];
}

function parametersOf(operation: Operation): Parameter[] {
  return (operation.parameters ?? []).filter((parameter): parameter is Parameter => 'in' in parameter);
}
