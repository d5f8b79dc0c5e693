import { invalidInput } from '../http/answers';

/**
 * A set parameter repeats its key with brackets (`team_ids[]=A&team_ids[]=B`). The live API was recorded to refuse
 * `team_ids` without brackets or with commas; that it refuses the others too is an assumption.
 *
 * @param title the parameter's name in the error
 * @returns undefined if the query does not have the parameter
 */
export function readSet(query: URLSearchParams, name: string, title: string): string[] | undefined {
  const values = query.getAll(`${name}[]`);
  if (query.has(name) || values.some((value) => value.includes(','))) {
    throw invalidInput(`${title} must be a Array.`);
  }
  return values.length > 0 ? values : undefined;
}
