import type {
  AccountSnapshot,
  AddressesShown,
  CallContext,
  SnapshotGroup,
} from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { PagerDutyClient } from './api/client';
import { listChangedWhileRead, teamHidden } from './api/failures';
import { LIST_LIMIT, pagesOf, type ListRequest } from './api/paging';
import { parseTeam, parseUserWithTeams, type Page, type Team, type UserWithTeams } from './api/types';
import type { TeamMembers } from './team-members';
import type { Teams } from './teams';
import { emailKey } from './user-matching';

const TEAMS: ListRequest<Team> = {
  operation: 'list_teams',
  path: ['teams'],
  collection: 'teams',
  parseRow: parseTeam,
  withTotal: true,
};
const USERS: ListRequest<UserWithTeams> = {
  operation: 'list_users',
  path: ['users'],
  collection: 'users',
  parseRow: parseUserWithTeams,
  withTotal: true,
  // Recorded responses have the teams without this; PagerDuty's API reference promises them only with it.
  query: { 'include[]': 'teams' },
};

// PagerDuty docs, "Account limits": a team has at most 500 members: five pages.
const PAGES_PER_TEAM = 5;
/** After this many failed teams in a row there is an outage. */
const MAX_FAILURES_IN_A_ROW = 3;

interface Membership {
  ids: Set<string>;
  complete: boolean;
}

/**
 * Reads teams with their members. One scan of the users (⌈U/100⌉ calls) returns the teams of each user. Reading
 * the members of each team costs one call or more per team. So that is done only for few teams in a large account,
 * or when the account has more users than PagerDuty lists.
 */
export class Snapshots {
  constructor(
    private readonly client: PagerDutyClient,
    private readonly teams: Teams,
    private readonly members: TeamMembers,
    private readonly onUsers: AddressesShown,
  ) {}

  /**
   * @param shown receives all users that were read, also from an incomplete list
   * @throws ProviderError that concerns the whole account
   */
  async take(
    teamIds: ReadonlySet<string>,
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<AccountSnapshot> {
    const teams = await readList(this.client, TEAMS, context);
    const failures = teams.failures;
    const names = await this.namesOf(teamIds, teams, failures, context);
    const present = [...teamIds].filter((id) => typeof names.get(id) === 'string');
    const shouldReadEachTeam = (first: Page<UserWithTeams>): boolean =>
      first.total !== null &&
      (first.total > LIST_LIMIT ||
        present.length * PAGES_PER_TEAM <= Math.ceil(first.total / first.limit) - 1);
    const users = await readList(this.client, USERS, context, shouldReadEachTeam);
    const addresses = addressesOf(users);
    const seen = membershipsIn(users, teamIds);
    if (users.end !== 'not-tried') failures.push(...users.failures);
    else await this.readMembers(present, seen, addresses, failures, context);
    this.onUsers(addresses);
    shown?.(addresses);

    const groups = new Map<string, SnapshotGroup | null>();
    const hidden = new Set<string>();
    for (const id of teamIds) {
      const name = names.get(id);
      const { ids, complete } = seen.get(id) ?? {
        ids: new Set<string>(),
        complete: users.end === 'complete',
      };
      if (typeof name === 'string') groups.set(id, { name, memberIds: ids, membersComplete: complete });
      if (name !== null) continue;
      // A team that its members name still exists.
      if (ids.size > 0) hidden.add(id);
      else groups.set(id, null);
    }
    if (hidden.size > 0) failures.push(teamHidden());
    const told = [...teamIds].map((id) => groups.get(id));
    const userRows = [...users.rows.values()];
    return {
      groups,
      hidden,
      unknownUserIds: new Set(
        users.end === 'not-tried'
          ? []
          : userRows.filter(({ teamIds }) => teamIds === null).map(({ id }) => id),
      ),
      users: users.end === 'complete' ? new Map(userRows.map(({ id, email }) => [id, email])) : null,
      complete: {
        groups: [...teamIds].every((id) => groups.has(id) || hidden.has(id)),
        members: told.every((group) => group === null || group?.membersComplete),
      },
      failures,
    };
  }

  /** Names by team id: null when the team is gone, absent when that is not known. */
  private async namesOf(
    teamIds: ReadonlySet<string>,
    teams: ReadList<Team>,
    failures: ProviderError[],
    context: CallContext,
  ): Promise<Map<string, string | null>> {
    const names = new Map<string, string | null>();
    const unlisted: string[] = [];
    for (const id of teamIds) {
      const team = teams.rows.get(id);
      if (team !== undefined) names.set(id, team.name);
      else if (teams.end === 'complete') names.set(id, null);
      else unlisted.push(id);
    }
    if (teams.end !== 'not-tried') return names;
    await forEach(unlisted, failures, async (id) => {
      names.set(id, (await this.teams.get(id, context))?.name ?? null);
    });
    return names;
  }

  /** Reads the members of each team, to replace those from the incomplete list of users. Adds their addresses. */
  private async readMembers(
    teamIds: readonly string[],
    seen: Map<string, Membership>,
    addresses: Map<string, string>,
    failures: ProviderError[],
    context: CallContext,
  ): Promise<void> {
    await forEach(teamIds, failures, async (id) => {
      const members = await this.members.addresses(id, context);
      seen.set(id, { ids: new Set(members.keys()), complete: true });
      for (const [userId, email] of members) if (email !== null) addresses.set(userId, emailKey(email));
    });
  }
}

/** One team after another. Collects failures; several in a row end the loop. */
async function forEach(
  teamIds: readonly string[],
  failures: ProviderError[],
  ask: (teamId: string) => Promise<void>,
): Promise<void> {
  let failedInARow = 0;
  for (const id of teamIds) {
    try {
      await ask(id);
      failedInARow = 0;
    } catch (error) {
      failures.push(listFailure(error));
      failedInARow += 1;
      if (failedInARow >= MAX_FAILURES_IN_A_ROW) return;
    }
  }
}

interface ReadList<Row> {
  rows: Map<string, Row>;
  /** `not-tried`: the rest was not worth reading after the first page, or cannot be read. */
  end: 'complete' | 'incomplete' | 'not-tried';
  failures: ProviderError[];
}

/**
 * Reads a list as far as possible. The list is complete only if its end was reached, no row came twice and the
 * number of rows is PagerDuty's total: PagerDuty keeps no snapshot between pages, so rows may shift during the
 * read.
 *
 * @param stop whether to give up after the first page
 * @throws ProviderError that concerns the whole account
 */
async function readList<Row extends { id: string }>(
  client: PagerDutyClient,
  list: ListRequest<Row>,
  context: CallContext,
  stop: (first: Page<Row>) => boolean = () => false,
): Promise<ReadList<Row>> {
  const rows = new Map<string, Row>();
  let total: number | null = null;
  let counted = 0;
  try {
    for await (const page of pagesOf(client, list, context)) {
      for (const row of page.rows) rows.set(row.id, row);
      if (counted === 0) {
        total = page.total;
        if (page.more && stop(page)) return { rows, end: 'not-tried', failures: [] };
      }
      counted += page.count;
    }
  } catch (error) {
    const failure = listFailure(error);
    const beyondReach = failure.reason === 'list_too_long';
    return { rows, end: beyondReach ? 'not-tried' : 'incomplete', failures: [failure] };
  }
  // `counted` includes repeated rows and rows without an id; `rows` does not.
  const whole = rows.size === counted && (total === null || total === counted);
  return whole
    ? { rows, end: 'complete', failures: [] }
    : { rows, end: 'incomplete', failures: [listChangedWhileRead(list.operation)] };
}

/** @throws the error itself when it does not concern this list alone */
function listFailure(error: unknown): ProviderError {
  if (error instanceof ProviderError && !error.accountWide) return error;
  throw error;
}

function addressesOf(users: ReadList<UserWithTeams>): Map<string, string> {
  const addresses = new Map<string, string>();
  for (const { id, email } of users.rows.values()) if (email !== null) addresses.set(id, emailKey(email));
  return addresses;
}

/** Only for these teams; absent when no user names the team. */
function membershipsIn(
  users: ReadList<UserWithTeams>,
  teamIds: ReadonlySet<string>,
): Map<string, Membership> {
  const memberships = new Map<string, Membership>();
  for (const user of users.rows.values()) {
    for (const teamId of user.teamIds ?? []) {
      if (!teamIds.has(teamId)) continue;
      const membership = memberships.get(teamId) ?? { ids: new Set(), complete: users.end === 'complete' };
      memberships.set(teamId, membership);
      membership.ids.add(user.id);
    }
  }
  return memberships;
}
