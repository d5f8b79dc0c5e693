import { invalidInput } from '../http/answers';

/**
 * A set parameter repeats its bracketed key (`team_ids[]=A&team_ids[]=B`). The refusal of a bare or comma-joined
 * value is recorded from the live API for `team_ids`, and taken over for the others.
 *
 * @param title how the refusal names it
 * @returns undefined if the query does not filter by it
 */
export function readSet(query: URLSearchParams, name: string, title: string): string[] | undefined {
  const values = query.getAll(`${name}[]`);
  if (query.has(name) || values.some((value) => value.includes(','))) {
    throw invalidInput(`${title} must be a Array.`);
  }
  return values.length > 0 ? values : undefined;
}
