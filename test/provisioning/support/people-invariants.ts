import type { SimTeam } from '../../../simulator/simulator';
import type { ModelGroup, ModelIdp, ModelUser } from './model-idp';
import { GUARD, HOUR, MINUTE, type PeopleWorld } from './people-world';
import { TruePeople } from './true-people';

const MEMBER_PATH = /^\/teams\/([A-Z0-9]+)\/users\/([A-Z0-9]+)$/;
const GUARD_WINDOW_MS = HOUR;
/** Reasons that cannot be true for a team that has existed for long. */
const NOT_THERE = ['not_visible_yet', 'team_gone'];

/** After these times everything that waits has been retried, and a reconciliation has read all of PagerDuty. */
const UNTIL_ALL_IS_WELL = [MINUTE, 5 * MINUTE, 15 * MINUTE, 45 * MINUTE, 2 * HOUR, 4 * HOUR];
/** A problem that is left then may be a refusal, which is retried every six hours, and the check after that. */
const AND_ONCE_MORE = [6.1 * HOUR, 5 * MINUTE, 6.1 * HOUR, 5 * MINUTE, 6.1 * HOUR, 5 * MINUTE];

/** A held change, or an admin's decision about it. */
interface Decision {
  groupId: string;
  /** Null: the whole team. */
  accountId: string | null;
  state: 'held' | 'approved' | 'pinned';
  scope: 'team' | 'integration' | 'deletions';
  decidedAt: number;
}

/** Invariants when only time passes, with any refusals and any changes of addresses. */
export class PeopleInvariants {
  readonly truth: TruePeople;
  private seen = 0;
  private readonly excused = new Set<string>();
  /** The groups after the last change → the accounts wanted in them. */
  private readonly wanted = new Map<ModelGroup, ReadonlySet<string>>();
  /** Removals of members so far. */
  private readonly removals: { teamId: string; accountId: string; at: number }[] = [];

  constructor(
    private readonly idp: ModelIdp,
    private readonly world: PeopleWorld,
  ) {
    this.truth = new TruePeople(idp, world);
  }

  /** Call it after every change. */
  remember(): void {
    for (const [group, accounts] of this.wanted) {
      if (!this.idp.groups.includes(group)) this.teamIsLetGo(group, accounts);
    }
    this.idp.remember();
    this.truth.remember();
    this.wanted.clear();
    for (const group of this.idp.groups) {
      const wanted = this.idp.wantedIn(group).flatMap((user) => [...this.truth.accountsOf(user)]);
      this.wanted.set(group, new Set(wanted));
    }
  }

  /** Forgets members that may have left already: those that are gone, and those that the IdP had removed before. */
  private teamIsLetGo({ id }: ModelGroup, wanted: ReadonlySet<string>): void {
    const ever = this.truth.everWantedIn([id]);
    for (const [teamId, groupIds] of this.world.holders) {
      const team = groupIds.has(id) && this.world.pagerDuty.team(teamId);
      if (!team) continue;
      const present = new Set(team.members.map((member) => member.id));
      const before = this.world.wereThereBefore(teamId);
      for (const account of before) {
        if (!present.has(account) || (ever.has(account) && !wanted.has(account))) before.delete(account);
      }
    }
  }

  /** Must be true at any time. */
  async hold(): Promise<void> {
    await this.world.rest();
    const groups = await this.world.groups();
    this.callsAreMeant();
    await this.holdsHaveCauses(groups);
    const wrong = groups.flatMap((group) => this.wronglySynced(group));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  }

  /** Lets time pass without any admin action, then checks that no problem is left. */
  async comeToRest(): Promise<void> {
    await this.world.setPaused(false);
    let problems: string[] = [];
    for (const ms of UNTIL_ALL_IS_WELL) {
      await this.world.pass(ms);
      await this.hold();
    }
    for (const ms of [...AND_ONCE_MORE, null]) {
      problems = await this.problems();
      if (problems.length === 0 || ms === null) break;
      await this.world.pass(ms);
      await this.hold();
    }
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const before = this.world.lastCall();
    await this.world.lookForNothing();
    const calls = this.world.pagerDuty.calls({ afterSeq: before });
    if (calls.length > 0) {
      throw new Error(
        `There is no work, but these calls were made: ${calls.map(({ method, path }) => `${method} ${path}`).join()}`,
      );
    }
    this.world.drifted.clear();
    this.truth.allIsWell();
  }

  private async decisions(): Promise<Decision[]> {
    return (await this.world.heldChanges()).flatMap(({ scope, decidedAt, items }) =>
      items.map((item: any) => ({
        groupId: item.groupId,
        accountId: item.remoteUserId,
        state: item.state,
        scope,
        decidedAt: Date.parse(decidedAt),
      })),
    );
  }

  /** The product only adds and removes members that the IdP wants added or removed. It does not even try others. */
  private callsAreMeant(): void {
    const { pagerDuty, holders } = this.world;
    for (const { seq, path, method, at } of pagerDuty.calls({ afterSeq: this.seen })) {
      this.seen = seq;
      const [, teamId, accountId] = MEMBER_PATH.exec(path) ?? [];
      if (teamId === undefined || accountId === undefined) continue;
      // A team that existed only between two reads can belong to any group.
      const groups = holders.get(teamId) ?? this.truth.allGroupIds();
      // A call with an unknown user only checks whether the key may make such calls.
      const person = pagerDuty.user(accountId);
      if (!person) continue;
      const { email } = person;
      if (method === 'PUT' && !this.truth.latelyWantedIn(groups).has(accountId)) {
        throw new Error(
          `${email} was added to ${teamId}, but no user of the IdP that is wanted there has this account.`,
        );
      }
      if (method === 'DELETE') {
        if (!this.truth.everWantedIn(groups).has(accountId)) {
          throw new Error(`${email} was removed from ${teamId}, but the IdP never wanted this person there.`);
        }
        this.removals.push({ teamId, accountId, at });
        if (this.isGivenUp(groups, accountId)) this.world.wereThereBefore(teamId).delete(accountId);
      }
    }
  }

  /** Whether the user is no longer wanted in the team of an existing group, or has left the IdP. */
  private isGivenUp(groupIds: Iterable<string>, accountId: string): boolean {
    const ids = new Set(groupIds);
    const groups = this.idp.groups.filter(({ id }) => ids.has(id));
    const isWanted = groups.some((group) =>
      this.idp.wantedIn(group).some((user) => this.truth.accountsOf(user).has(accountId)),
    );
    const hasLeft =
      this.truth.leftAt(accountId) !== null ||
      [...ids].some((id) => this.truth.lostBy(id).includes(accountId));
    return hasLeft || (groups.length > 0 && !isWanted);
  }

  /** The guard may only hold removals when enough different people leave. */
  private async holdsHaveCauses(groups: readonly any[]): Promise<void> {
    const decisions = await this.decisions();
    const since = Date.now() - GUARD_WINDOW_MS;
    const lately = this.removals.filter(({ at }) => at >= since);
    for (const { groupId, accountId, scope, state } of decisions) {
      const name = `${groupId} ${accountId}`;
      if (state !== 'held' || accountId === null || this.excused.has(name)) continue;
      if (scope === 'deletions') {
        throw new Error(`${accountId} is held because of the guard for deleted teams.`);
      }
      const teamIds = groups.flatMap(({ id, remote }) => (id === groupId && remote ? [remote.id] : []));
      const isOfTeam = (teamId: string) => scope === 'integration' || teamIds.includes(teamId);
      const people = new Set([
        ...lately.flatMap((call) => (isOfTeam(call.teamId) ? [`${call.teamId} ${call.accountId}`] : [])),
        ...groups
          .filter(({ id }) => scope === 'integration' || id === groupId)
          .flatMap(({ id, remote }) => {
            // A group may have adopted another group's team with all its members.
            const holders = this.world.holders.get(remote?.id) ?? new Set([id as string]);
            return [...holders]
              .flatMap((holder) => this.truth.lostBy(holder))
              .map((account) => `${remote?.id} ${account}`);
          }),
      ]);
      const needed = scope === 'integration' ? GUARD.integrationMembers : GUARD.teamMembers;
      if (people.size < needed) {
        throw new Error(`The guard holds the removal of ${accountId} for ${people.size} people who leave.`);
      }
      this.excused.add(name);
    }
  }

  /** Problems of groups that are shown as synced, as far as Scimify can know without reading PagerDuty. */
  private wronglySynced({ id, state, displayName, remote }: any): string[] {
    const group = this.idp.groups.find((candidate) => candidate.id === id);
    if (state !== 'synced' || !group || this.world.drifted.has(remote?.id)) return [];
    const team = remote && this.world.pagerDuty.team(remote.id);
    if (!team) return [`${displayName} is synced without a team`];
    const wanted = this.truth.possiblyWantedIn(group);
    const present = new Set(team.members.map((member: { id: string }) => member.id));
    const lacking = wanted.filter((accounts) => [...accounts].every((account) => !present.has(account)));
    const extra = team.members.filter(
      (member: { id: string }) =>
        !wanted.some((accounts) => accounts.has(member.id)) &&
        !this.world.inTeamByHand(team.id).has(member.id),
    );
    return [
      ...lacking.map((accounts) => `${displayName} is synced without ${[...accounts].join(' or ')}`),
      ...extra.map(({ email }: { email: string }) => `${displayName} is synced with ${email}`),
    ];
  }

  /** Everything that is still wrong after enough time. */
  private async problems(): Promise<string[]> {
    const shown = await this.world.groups();
    const decisions = await this.decisions();
    const { connection, suspension } = await this.world.ownIntegration();
    const problems: string[] = [];
    if (suspension) problems.push(`The integration is suspended: ${JSON.stringify(suspension)}`);
    if (connection?.status === 'failed') problems.push(`The connection failed: ${connection.message}`);
    for (const group of this.idp.groups) {
      const status = shown.find(({ id }) => id === group.id);
      if (status?.remote) problems.push(...(await this.problemsOf(group, status, decisions)));
      else if (!this.isNameTaken(group) || status?.state !== 'blocked') {
        problems.push(`${group.name} has no team: ${status?.state} ${status?.reason}`);
      }
    }
    for (const status of shown) {
      if (!this.idp.groups.some(({ id }) => id === status.id)) {
        problems.push(...this.problemsOfDeleted(status, decisions));
      }
    }
    const held = new Set(shown.flatMap(({ remote }) => (remote ? [remote.id] : [])));
    for (const team of this.world.pagerDuty.teams()) {
      if (!held.has(team.id)) problems.push(...this.problemsOfReleased(team));
    }
    problems.push(...(await this.leaversAreCounted(shown, decisions)));
    return problems;
  }

  private async problemsOf(
    group: ModelGroup,
    status: any,
    decisions: readonly Decision[],
  ): Promise<string[]> {
    const { state, reason, message, remote } = status;
    const team = this.world.pagerDuty.team(remote.id)!;
    const problems = [
      ...this.wrongMembers(group.name, team, this.idp.wantedIn(group), decisions, [group.id]),
      ...(await this.missingMembers(group, team)),
    ];
    const mayBeMisnamed =
      state !== 'synced' && (this.isNameTaken(group, team) || this.world.isTeamRefused(team.id));
    if (team.name !== group.name && !mayBeMisnamed) {
      problems.push(`the team of ${group.name} is called ${team.name}`);
    }
    if (state !== 'synced' && !(reason && message))
      problems.push(`${group.name} is ${state} without a reason`);
    if (state === 'retrying' && !this.isAnythingRefused(team))
      problems.push(`${group.name} is retrying: ${reason}`);
    if (!['synced', 'partial', 'held', 'retrying'].includes(state)) {
      problems.push(`${group.name} is ${state}: ${reason}`);
    }
    if (NOT_THERE.includes(reason)) problems.push(`${group.name} has a team, but the reason is ${reason}`);
    return problems;
  }

  /** Members that are not wanted, were not added manually, and have no reason to be still there. */
  private wrongMembers(
    name: string,
    team: SimTeam,
    wantedUsers: readonly ModelUser[],
    decisions: readonly Decision[],
    groupIds: readonly string[],
  ): string[] {
    const wanted = new Set(wantedUsers.flatMap((user) => [...this.truth.accountsOf(user)]));
    return team.members.flatMap(({ id, email }) => {
      if (wanted.has(id) || this.world.inTeamByHand(team.id).has(id)) return [];
      if (this.world.isRefused(id, team, 'DELETE')) return [];
      const decision = decisions.find(
        ({ groupId, accountId }) => groupIds.includes(groupId) && accountId === id,
      );
      if (decision?.state === 'held') return [];
      const leftAt = this.truth.leftAt(id);
      if (decision?.state === 'pinned' && (leftAt === null || leftAt < decision.decidedAt)) return [];
      const who = leftAt === null ? 'who is not wanted there' : 'who left the IdP';
      return [`${name} still has ${email}, ${who}${decision ? ` (${decision.state})` : ''}`];
    });
  }

  /** Wanted users that are not in the team without a shown reason. */
  private async missingMembers(group: ModelGroup, team: SimTeam): Promise<string[]> {
    const shown = new Map((await this.world.members(group.id)).map((member) => [member.userId, member]));
    const present = new Set(team.members.map(({ id }) => id));
    return this.idp.wantedIn(group).flatMap((user) => {
      const member = shown.get(user.id);
      const who = `${user.address} (${user.key})`;
      if (!member) return [`${who} is not shown with ${group.name}`];
      const account = this.truth.accountOf(user);
      const isIn = account !== undefined ? present.has(account) : present.has(member.remoteUserId ?? '');
      if (isIn)
        return member.state === 'applied' ? [] : [`${who} is in ${group.name} but shown as ${member.state}`];
      if (member.state === 'applied') return [`${who} is not in ${group.name} but shown as applied`];
      const isExcused =
        account === undefined || this.world.isRefused(account, team, 'PUT') || this.world.isFull(team);
      if (!isExcused) return [`${group.name} lacks ${who}: ${member.state} ${member.reason}`];
      const isTold = ['pending', 'blocked'].includes(member.state) && member.reason && member.message;
      return isTold ? [] : [`${who} is not in ${group.name} and no reason is shown`];
    });
  }

  private isNameTaken({ name }: ModelGroup, team?: SimTeam): boolean {
    const holder = this.world.pagerDuty.team(name);
    return holder !== undefined && holder.id !== team?.id;
  }

  /** Whether PagerDuty permanently refuses a change of the team. */
  private isAnythingRefused(team: SimTeam): boolean {
    const isPersonRefused = ({ id }: { id: string }) =>
      (['PUT', 'DELETE'] as const).some((method) => this.world.isRefused(id, team, method));
    return this.world.isTeamRefused(team.id) || this.world.pagerDuty.users().some(isPersonRefused);
  }

  /** A deleted group is shown until its team is released, with a reason. Users that left the IdP are still removed. */
  private problemsOfDeleted(status: any, decisions: readonly Decision[]): string[] {
    const { id, displayName, state, reason, message, remote } = status;
    const team = remote && this.world.pagerDuty.team(remote.id);
    if (!team) return [`${displayName} was deleted and is still shown: ${state} ${reason}`];
    const decision = decisions.find(({ groupId, accountId }) => groupId === id && accountId === null);
    const mayBeThere =
      (team.associations.length > 0 && !this.world.handMade.has(team.id)) ||
      decision?.state === 'held' ||
      decision?.state === 'pinned' ||
      this.isAnythingRefused(team);
    const problems = mayBeThere ? [] : [`${displayName} was deleted and is still there: ${state} ${reason}`];
    if (!reason || !message) problems.push(`${displayName} was deleted and is still there without a reason`);
    if (NOT_THERE.includes(reason))
      problems.push(`${displayName} was deleted and still has a team, but the reason is ${reason}`);
    const isStill = (member: { id: string }) => this.truth.leftAt(member.id) === null;
    const still = new Set(team.members.filter(isStill).map((member: { id: string }) => member.id));
    const leavers = {
      ...team,
      members: team.members.filter((member: { id: string }) => !still.has(member.id)),
    };
    return [...problems, ...this.wrongMembers(`the deleted ${displayName}`, leavers, [], decisions, [id])];
  }

  /** A team without a group was adopted. After its release it has the members that it had before. */
  private problemsOfReleased(team: SimTeam): string[] {
    if (!this.world.handMade.has(team.id)) return [`${team.name} was created by Scimify and has no group`];
    const present = new Set(team.members.map(({ id }) => id));
    const before = this.world.wereThereBefore(team.id);
    const lost = [...before].filter((id) => !present.has(id));
    const left = team.members.filter(
      ({ id }) => !before.has(id) && !this.world.inTeamByHand(team.id).has(id),
    );
    return [
      ...lost.map((id) => `${team.name} lost ${this.world.pagerDuty.user(id)!.email}, who was there before`),
      ...left.map(({ email }) => `${team.name} was released and still has ${email}`),
    ];
  }

  /** The overview counts people that left the IdP and that PagerDuty keeps in a team. */
  private async leaversAreCounted(shown: readonly any[], decisions: readonly Decision[]): Promise<string[]> {
    const kept = new Set<string>();
    for (const { id: groupId, remote } of shown) {
      const team: SimTeam | undefined = remote && this.world.pagerDuty.team(remote.id);
      for (const { id } of team?.members ?? []) {
        const waits = decisions.some((item) => item.groupId === groupId && item.accountId === id);
        const isKept = this.world.isRefused(id, team!, 'DELETE') && this.truth.leftAt(id) !== null;
        if (isKept && !waits && this.truth.isBeyondDoubt(id) && !this.world.inTeamByHand(team!.id).has(id))
          kept.add(id);
      }
    }
    const { leaversStillOnTeam } = await this.world.overview();
    return leaversStillOnTeam >= kept.size
      ? []
      : [
          `${kept.size} people that left the IdP are still in teams, but the overview shows ${leaversStillOnTeam}`,
        ];
  }
}
