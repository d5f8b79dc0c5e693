import type { CallContext, GroupSpec, RemoteGroup } from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { PagerDutyClient } from './api/client';
import { notVisibleYet, teamGone, unreadableAnswer, type Operation } from './api/error-classification';
import { SearchableList } from './api/searchable-list';
import { isRecord, parseTeam, type Team } from './api/types';

// Clients of PagerDuty retry a 404 for so long, and only after a creation of their own.
const UNSETTLED_AFTER_CREATE_MS = 2 * 60_000;

/** PagerDuty compares names without case, and keeps none with outer or doubled spaces. */
export function teamNameKey(name: string): string {
  return withPlainSpaces(name).toLowerCase();
}

function withPlainSpaces(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ');
}

/** The teams of one account. */
export class Teams {
  private readonly list: SearchableList<Team>;
  private readonly createdAt = new Map<string, number>();

  constructor(private readonly client: PagerDutyClient) {
    this.list = new SearchableList(client, {
      list: { operation: 'list_teams', path: ['teams'], collection: 'teams', parseRow: parseTeam },
      keyOf: (team) => teamNameKey(team.name),
    });
  }

  async find(names: readonly string[], context: CallContext): Promise<Map<string, RemoteGroup>> {
    const nameByKey = new Map(names.map((name) => [teamNameKey(name), withPlainSpaces(name)]));
    nameByKey.delete('');
    const found = new Map<string, RemoteGroup>();
    if (nameByKey.size === 0) return found;
    const byKey = await this.list.find(nameByKey, context);
    for (const [key, name] of nameByKey) {
      const teams = byKey.get(key) ?? [];
      const team = teams.find((candidate) => candidate.name === name) ?? teams[0];
      if (team !== undefined) found.set(key, remoteGroup(team));
    }
    return found;
  }

  async get(id: string, context: CallContext): Promise<RemoteGroup | null> {
    try {
      const answer = await this.client.send(
        { operation: 'get_team', method: 'GET', path: ['teams', id] },
        context,
      );
      return teamIn(answer, 'get_team');
    } catch (error) {
      const cause = this.unlessJustCreated(id, error);
      if (isNotFound(cause)) return null;
      throw cause;
    }
  }

  async create(group: GroupSpec, context: CallContext): Promise<RemoteGroup> {
    const answer = await this.client.send(
      {
        operation: 'create_team',
        method: 'POST',
        path: ['teams'],
        // Unwrapped is tolerated for some credentials and an access-denied 403 for others.
        body: { team: { type: 'team', name: group.name, description: group.description } },
      },
      context,
    );
    const team = teamIn(answer, 'create_team');
    const now = Date.now();
    for (const [id, at] of this.createdAt) {
      if (now - at > UNSETTLED_AFTER_CREATE_MS) this.createdAt.delete(id);
    }
    this.createdAt.set(team.id, now);
    return team;
  }

  async update(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void> {
    // PagerDuty docs: PUT is a partial update here; what is not sent keeps its value.
    const fields = Object.fromEntries(
      Object.entries<string | undefined>(change).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(fields).length === 0) return;
    try {
      await this.client.send(
        {
          operation: 'update_team',
          method: 'PUT',
          path: ['teams', id],
          body: { team: { type: 'team', ...fields } },
        },
        context,
      );
    } catch (error) {
      throw this.unlessJustCreated(id, error);
    }
  }

  async delete(id: string, context: CallContext): Promise<void> {
    try {
      await this.client.send({ operation: 'delete_team', method: 'DELETE', path: ['teams', id] }, context);
    } catch (error) {
      const cause = this.unlessJustCreated(id, error);
      if (!isNotFound(cause)) throw cause;
    }
    this.createdAt.delete(id);
  }

  /** What a team that is not found amounts to. */
  missing(cause: ProviderError): ProviderError {
    return cause.reason === 'team_gone' ? cause : teamGone(cause);
  }

  /** A 404 of a team that we made a moment ago says nothing yet: PagerDuty's reads lag behind its writes. */
  unlessJustCreated(id: string, error: unknown): unknown {
    if (!isNotFound(error)) return error;
    return this.isJustCreated(id) ? notVisibleYet(error) : error;
  }

  isJustCreated(id: string): boolean {
    const createdAt = this.createdAt.get(id);
    return createdAt !== undefined && Date.now() - createdAt <= UNSETTLED_AFTER_CREATE_MS;
  }
}

function isNotFound(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.kind === 'not-found';
}

function teamIn(answer: { status: number; body: unknown }, operation: Operation): RemoteGroup {
  const team = isRecord(answer.body) ? parseTeam(answer.body['team']) : null;
  if (team === null) throw unreadableAnswer(operation, answer.status);
  return remoteGroup(team);
}

function remoteGroup(team: Team): RemoteGroup {
  return { id: team.id, name: team.name, description: team.description, url: team.htmlUrl };
}
