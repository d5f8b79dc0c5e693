/**
 * PagerDuty's responses as this gateway reads them. PagerDuty docs: any field not declared required may be null,
 * and clients must ignore unknown fields. So the gateway relies only on ids.
 */

export interface Team {
  id: string;
  name: string;
  description: string | null;
  htmlUrl: string | null;
}

export interface User {
  id: string;
  /** The login address, in the case it was entered with. */
  email: string | null;
  /** The base role in the account, e.g. `limited_user`; not a role in a team. */
  role: string | null;
  htmlUrl: string | null;
}

export interface UserWithTeams {
  id: string;
  email: string | null;
  /** Null when PagerDuty does not say, which differs from none. */
  teamIds: readonly string[] | null;
}

export interface TeamMember {
  /** Id of the user. */
  id: string;
  /** Role in the team. */
  role: string | null;
  /** Also null when the request did not include whole users. */
  email: string | null;
}

/** One page of a list in PagerDuty's classic paging. */
export interface Page<Row> {
  rows: Row[];
  /** Rows on the page as PagerDuty counts them; those without an id are not among `rows`. */
  count: number;
  /** As echoed; it may differ from the request. */
  limit: number;
  more: boolean;
  total: number | null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null when the value is not a team. */
export function parseTeam(value: unknown): Team | null {
  const id = idOf(value);
  if (id === null || !isRecord(value)) return null;
  return {
    id,
    name: text(value['name']) ?? text(value['summary']) ?? '',
    description: text(value['description']),
    htmlUrl: text(value['html_url']),
  };
}

/** Null when the value is not a user. */
export function parseUser(value: unknown): User | null {
  const id = idOf(value);
  if (id === null || !isRecord(value)) return null;
  return { id, email: text(value['email']), role: text(value['role']), htmlUrl: text(value['html_url']) };
}

/** Null when the value is not a user. */
export function parseUserWithTeams(value: unknown): UserWithTeams | null {
  const user = parseUser(value);
  if (user === null || !isRecord(value)) return null;
  const teams = Array.isArray(value['teams']) ? value['teams'].map(idOf) : [null];
  const known = teams.filter((id) => id !== null);
  return { id: user.id, email: user.email, teamIds: known.length === teams.length ? known : null };
}

/** Null when the value names no user. */
export function parseMember(value: unknown): TeamMember | null {
  if (!isRecord(value)) return null;
  const id = idOf(value['user']);
  const user = value['user'];
  const email = isRecord(user) ? text(user['email']) : null;
  return id === null ? null : { id, role: text(value['role']), email };
}

/** Null when the body is not a page of that collection. */
export function parsePage<Row>(
  body: unknown,
  collection: string,
  parseRow: (value: unknown) => Row | null,
  askedLimit: number,
): Page<Row> | null {
  const values = isRecord(body) ? body[collection] : undefined;
  if (!isRecord(body) || !Array.isArray(values)) return null;
  return {
    rows: values.map(parseRow).filter((row) => row !== null),
    count: values.length,
    limit: positive(body['limit']) ?? askedLimit,
    more: body['more'] === true,
    total: typeof body['total'] === 'number' ? body['total'] : null,
  };
}

function idOf(value: unknown): string | null {
  const id = isRecord(value) ? text(value['id']) : null;
  return id === '' ? null : id;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function positive(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}
