import type { CallContext, GroupSpec, ProviderGroup } from '../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError } from '../integrations/provider/provider-error';
import type { ApiCall, PagerDutyClient } from './api/client';
import { changeNotFound, teamGone, unreadableAnswer, type Operation } from './api/failures';
import { SearchableList } from './api/searchable-list';
import { isRecord, parseTeam, type Team } from './api/types';

/** PagerDuty compares names without case. */
export function teamNameKey(name: string): string {
  return withPlainSpaces(name).toLowerCase();
}

/**
 * PagerDuty removes outer and doubled spaces in user names (Terraform's provider met both), perhaps in team names
 * too.
 */
export function withPlainSpaces(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ');
}

/** The teams of one account. */
export class Teams {
  private readonly list: SearchableList<Team>;

  constructor(private readonly client: PagerDutyClient) {
    this.list = new SearchableList(client, {
      list: { operation: 'list_teams', path: ['teams'], collection: 'teams', parseRow: parseTeam },
      keyOf: (team) => teamNameKey(team.name),
    });
  }

  async find(names: readonly string[], context: CallContext): Promise<Map<string, ProviderGroup>> {
    const nameByKey = new Map(names.map((name) => [teamNameKey(name), withPlainSpaces(name)]));
    nameByKey.delete('');
    const found = new Map<string, ProviderGroup>();
    if (nameByKey.size === 0) return found;
    const { rows, refused } = await this.list.find(nameByKey, context);
    for (const error of refused.values()) throw error;
    for (const [key, name] of nameByKey) {
      const teams = rows.get(key) ?? [];
      const team = teams.find((candidate) => candidate.name === name) ?? teams[0];
      if (team !== undefined) found.set(key, remoteGroup(team));
    }
    return found;
  }

  async get(id: string, context: CallContext): Promise<ProviderGroup | null> {
    try {
      const answer = await this.client.send(
        { operation: 'get_team', method: 'GET', path: ['teams', id] },
        context,
      );
      return teamIn(answer, 'get_team');
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async create(group: GroupSpec, context: CallContext): Promise<ProviderGroup> {
    const answer = await this.client.send(
      {
        operation: 'create_team',
        method: 'POST',
        path: ['teams'],
        // Without the `team` wrapper PagerDuty answers an access-denied 403 to some credentials.
        body: { team: { type: 'team', name: group.name, description: group.description } },
      },
      context,
    );
    return teamIn(answer, 'create_team');
  }

  async update(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void> {
    // PagerDuty docs: PUT is a partial update here; a field that is not sent keeps its value.
    const fields = Object.fromEntries(
      Object.entries<string | undefined>(change).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(fields).length === 0) return;
    const body = { team: { type: 'team', ...fields } };
    await this.write({ operation: 'update_team', method: 'PUT', path: ['teams', id], body }, id, context);
  }

  async delete(id: string, context: CallContext): Promise<void> {
    await this.write({ operation: 'delete_team', method: 'DELETE', path: ['teams', id] }, id, context);
  }

  /** When a write does not find the team, reads the team before reporting it as gone. */
  private async write(
    call: ApiCall & { operation: 'update_team' | 'delete_team' },
    id: string,
    context: CallContext,
  ): Promise<void> {
    try {
      await this.client.send(call, context);
    } catch (error) {
      if (!(error instanceof ProviderError) || error.reason !== GROUP_GONE) throw error;
      throw (await this.get(id, context)) === null ? error : changeNotFound(error, call.operation);
    }
  }

  /** The error for a team that does not exist. */
  missing(cause: ProviderError): ProviderError {
    return cause.reason === GROUP_GONE ? cause : teamGone(cause);
  }
}

function isNotFound(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.kind === 'not-found';
}

function teamIn(answer: { status: number; body: unknown }, operation: Operation): ProviderGroup {
  const team = isRecord(answer.body) ? parseTeam(answer.body['team']) : null;
  if (team === null) throw unreadableAnswer(operation, answer.status);
  return remoteGroup(team);
}

function remoteGroup(team: Team): ProviderGroup {
  return { id: team.id, name: team.name, description: team.description, url: team.htmlUrl };
}
