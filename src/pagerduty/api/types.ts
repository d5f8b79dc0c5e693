/**
 * PagerDuty's answers as this gateway reads them. PagerDuty docs: any field not declared required may be null, and
 * unknown fields are to be ignored; so only an id is relied on.
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
  /** Null where PagerDuty does not say, which is not the same as none. */
  teamIds: readonly string[] | null;
}

export interface TeamMember {
  /** Of the user. */
  id: string;
  /** In the team. */
  role: string | null;
  /** Null also where whole users were not asked for. */
  email: string | null;
}

/** One page of a list in PagerDuty's classic paging. */
export interface Page<Row> {
  rows: Row[];
  /** Rows on the page as PagerDuty counts them; those without an id are not among `rows`. */
  count: number;
  /** As echoed, which is not always what was asked for. */
  limit: number;
  more: boolean;
  total: number | null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null where it is no team. */
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

/** Null where it is no user. */
export function parseUser(value: unknown): User | null {
  const id = idOf(value);
  if (id === null || !isRecord(value)) return null;
  return { id, email: text(value['email']), role: text(value['role']), htmlUrl: text(value['html_url']) };
}

/** Null where it is no user. */
export function parseUserWithTeams(value: unknown): UserWithTeams | null {
  const user = parseUser(value);
  if (user === null || !isRecord(value)) return null;
  const teams = Array.isArray(value['teams']) ? value['teams'].map(idOf) : [null];
  const known = teams.filter((id) => id !== null);
  return { id: user.id, email: user.email, teamIds: known.length === teams.length ? known : null };
}

/** Null where it names no user. */
export function parseMember(value: unknown): TeamMember | null {
  if (!isRecord(value)) return null;
  const id = idOf(value['user']);
  const user = value['user'];
  const email = isRecord(user) ? text(user['email']) : null;
  return id === null ? null : { id, role: text(value['role']), email };
}

/** Null where the body is no page of that collection. */
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
