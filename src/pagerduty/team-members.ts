import type {
  CallContext,
  MemberOutcome,
  MemberSpec,
  ProviderMember,
} from '../integrations/provider/integration-provider';
import { GROUP_GONE, ProviderError, USER_GONE } from '../integrations/provider/provider-error';
import type { PagerDutyClient } from './api/client';
import { additionNotFound, listChangedWhileRead, userGone, userIsStakeholder } from './api/failures';
import { pagesOf } from './api/paging';
import { parseMember, type TeamMember } from './api/types';
import type { Teams } from './teams';
import { userOf } from './user';

/** PagerDuty docs, "Advanced Permissions": team roles. */
export const TEAM_ROLES = [
  { id: 'manager', title: 'Manager', description: 'May change everything that belongs to the team.' },
  { id: 'responder', title: 'Responder', description: 'May act on incidents of the team.' },
  { id: 'observer', title: 'Observer', description: 'May look at what belongs to the team.' },
] as const;

/** PagerDuty docs, "User roles": the base roles of full and limited stakeholders. */
const STAKEHOLDER_ROLES: ReadonlySet<string> = new Set(['read_only_user', 'read_only_limited_user']);

/** After this many server errors in a row the problem is not a single member. */
const MAX_SERVER_ERRORS_IN_A_ROW = 3;

/** The members of PagerDuty's teams. */
export class TeamMembers {
  constructor(
    private readonly client: PagerDutyClient,
    private readonly teams: Teams,
    private readonly onUserGone: (userId: string) => void,
  ) {}

  /**
   * One call after another: PagerDuty has no bulk call, and two writes to one team may lock each other out. When a
   * failure does not concern the member alone (account, team, outage), it yields the outcome and throws the error.
   */
  async *change(
    teamId: string,
    change: { add: Iterable<MemberSpec>; remove: Iterable<string> },
    context: CallContext,
  ): AsyncGenerator<MemberOutcome, void, undefined> {
    const run = new MemberWrites(this.client, this.teams, teamId, context);
    for (const member of change.add) {
      const { remoteUserId } = member;
      const result = await outcomeOf(() => run.add(member));
      if (result instanceof ProviderError) {
        if (result.reason === USER_GONE) this.onUserGone(remoteUserId);
        yield { remoteUserId, change: 'add', applied: false, error: result };
      } else {
        yield { remoteUserId, change: 'add', applied: true, role: result };
      }
      run.throwIfRunMustStop(result);
    }
    for (const remoteUserId of change.remove) {
      const result = await outcomeOf(() => run.remove(remoteUserId));
      if (result instanceof ProviderError) {
        yield { remoteUserId, change: 'remove', applied: false, error: result };
      } else {
        yield { remoteUserId, change: 'remove', applied: true, role: null };
      }
      run.throwIfRunMustStop(result);
    }
  }

  async list(teamId: string, context: CallContext): Promise<ProviderMember[]> {
    const members = await this.read(teamId, context);
    return members.map((member) => ({ remoteUserId: member.id, role: member.role }));
  }

  /** The members of the team with their login addresses. */
  async addresses(teamId: string, context: CallContext): Promise<Map<string, string | null>> {
    const members = await this.read(teamId, context, { 'include[]': 'users' });
    return new Map(members.map(({ id, email }) => [id, email]));
  }

  private async read(
    teamId: string,
    context: CallContext,
    query: Record<string, string> = {},
  ): Promise<TeamMember[]> {
    const members =
      (await this.readOnce(teamId, context, query)) ?? (await this.readOnce(teamId, context, query));
    if (members === null) throw listChangedWhileRead('list_members');
    return members;
  }

  /** Null when the list changed meanwhile: PagerDuty keeps no snapshot between pages. */
  private async readOnce(
    teamId: string,
    context: CallContext,
    query: Record<string, string>,
  ): Promise<TeamMember[] | null> {
    const members = new Map<string, TeamMember>();
    let counted = 0;
    let total: number | null = null;
    const list = {
      operation: 'list_members' as const,
      path: ['teams', teamId, 'members'],
      collection: 'members',
      parseRow: parseMember,
      withTotal: true,
      query,
    };
    for await (const page of pagesOf(this.client, list, context)) {
      counted += page.count;
      total ??= page.total;
      for (const member of page.rows) {
        if (members.has(member.id)) return null;
        members.set(member.id, member);
      }
    }
    return total === null || total === counted ? [...members.values()] : null;
  }
}

/** The writes of one run to one team. */
class MemberWrites {
  private teamConfirmed = false;
  private errorsInARow = 0;

  constructor(
    private readonly client: PagerDutyClient,
    private readonly teams: Teams,
    private readonly teamId: string,
    private readonly context: CallContext,
  ) {}

  /** The assigned role, or null when PagerDuty chose it. */
  async add(member: MemberSpec): Promise<string | null> {
    const { remoteUserId, role } = member;
    try {
      if (role !== undefined) {
        try {
          await this.put(remoteUserId, { role });
          return role;
        } catch (error) {
          // PagerDuty docs, "User roles": some base roles, e.g. owner, have one fixed team role and refuse others.
          if (!isRefusedRole(error)) throw error;
        }
      }
      await this.put(remoteUserId);
      return null;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      throw await this.explainAdd(remoteUserId, error);
    }
  }

  async remove(remoteUserId: string): Promise<void> {
    try {
      await this.client.send(
        { operation: 'remove_member', method: 'DELETE', path: ['teams', this.teamId, 'users', remoteUserId] },
        this.context,
      );
    } catch (error) {
      if (!(error instanceof ProviderError) || error.kind !== 'not-found') throw error;
      // If the team exists, the user is not in it. It does not matter whether the user left or was deleted.
      await this.assertTeamExists(error);
    }
  }

  /** @throws ProviderError the failure, when the next member would fail too */
  throwIfRunMustStop(result: unknown): void {
    const isError = result instanceof ProviderError && result.kind === 'unavailable';
    this.errorsInARow = isError ? this.errorsInARow + 1 : 0;
    if (!(result instanceof ProviderError)) return;
    if (result.accountWide || result.reason === GROUP_GONE) throw result;
    if (isError && (result.status !== 500 || this.errorsInARow >= MAX_SERVER_ERRORS_IN_A_ROW)) throw result;
  }

  private async put(remoteUserId: string, body?: { role: string }): Promise<void> {
    await this.client.send(
      {
        operation: 'add_member',
        method: 'PUT',
        path: ['teams', this.teamId, 'users', remoteUserId],
        body,
      },
      this.context,
    );
  }

  private async explainAdd(remoteUserId: string, error: ProviderError): Promise<ProviderError> {
    if (error.kind === 'not-found') {
      await this.assertTeamExists(error);
      return (await userOf(this.client, remoteUserId, this.context)) === null
        ? userGone(error)
        : additionNotFound(error);
    }
    // PagerDuty documents which users are stakeholders, but not its response for them.
    if (error.reason === 'request_refused' || error.reason === 'role_refused') {
      const user = await userOf(this.client, remoteUserId, this.context).catch((cause: unknown) => {
        // Not a response of PagerDuty: e.g. the call may no longer be sent.
        if (!(cause instanceof ProviderError)) throw cause;
        return null;
      });
      if (user?.role && STAKEHOLDER_ROLES.has(user.role)) return userIsStakeholder(error);
    }
    return error;
  }

  /** @throws ProviderError `team_gone` when the team itself does not exist */
  private async assertTeamExists(missing: ProviderError): Promise<void> {
    if (this.teamConfirmed) return;
    if ((await this.teams.get(this.teamId, this.context)) === null) throw this.teams.missing(missing);
    this.teamConfirmed = true;
  }
}

function isRefusedRole(error: unknown): boolean {
  return (
    error instanceof ProviderError &&
    error.status === 400 &&
    (error.reason === 'role_refused' || error.reason === 'request_refused')
  );
}

async function outcomeOf<T>(write: () => Promise<T>): Promise<T | ProviderError> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}
