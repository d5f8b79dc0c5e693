import { setTimeout as pause } from 'node:timers/promises';
import type { SimTeam } from '../../../simulator/simulator';
import type { ModelGroup, ModelIdp, ModelUser } from './model-idp';
import type { StateMachineWorld } from './state-machine-world';

const MEMBER_PATH = /^\/teams\/([A-Z0-9]+)\/users\/([A-Z0-9]+)$/;
const TEAM_PATH = /^\/teams\/([A-Z0-9]+)$/;

/** Invariants that must be true at any time, whatever is in progress. */
export class StateMachineInvariants {
  private seen = 0;

  constructor(
    private readonly idp: ModelIdp,
    private readonly world: StateMachineWorld,
  ) {}

  remember(): void {
    this.idp.remember();
  }

  async hold(): Promise<void> {
    const groups = await this.world.groups();
    this.removedNobodyElse();
    this.noTeamTwice(groups);
    await this.syncedMeansSo();
  }

  /** Everything that is not yet in the final state. */
  async problems(): Promise<string[]> {
    const shown = await this.world.groups();
    const links = new Map((await this.world.users()).map((user) => [user.id, user]));
    const problems: string[] = [];
    for (const left of shown) {
      if (!this.idp.groups.some(({ id }) => id === left.id)) {
        problems.push(`${left.displayName} was deleted and is still shown: ${left.state} ${left.message}`);
      }
    }
    for (const group of this.idp.groups) {
      const status = shown.find(({ id }) => id === group.id);
      if (!status) problems.push(`${group.name} is not shown`);
      else problems.push(...(await this.problemsOf(group, status, links, shown)));
    }
    const claimed = shown.map(({ remote }) => remote?.id);
    for (const { id, name } of this.world.pagerDuty.teams()) {
      const claims = claimed.filter((claim) => claim === id).length;
      if (!this.world.handMade.has(id) && claims !== 1) problems.push(`${name} belongs to ${claims} groups`);
    }
    return problems;
  }

  /** Calls count when they are sent, even without a response. */
  private removedNobodyElse(): void {
    const { pagerDuty, handMade, holders } = this.world;
    for (const { seq, path } of pagerDuty.calls({ method: 'DELETE', afterSeq: this.seen })) {
      this.seen = seq;
      const deleted = TEAM_PATH.exec(path)?.[1];
      if (deleted !== undefined && handMade.has(deleted)) {
        throw new Error(`The team ${deleted}, which existed before Scimify, must not be deleted.`);
      }
      const [, teamId, personId] = MEMBER_PATH.exec(path) ?? [];
      if (teamId === undefined) continue;
      const { email } = pagerDuty.user(personId!)!;
      // A team that existed only between two reads can belong to any group.
      const groups = holders.get(teamId) ?? this.idp.allGroupIds();
      if (!this.idp.everWantedIn(groups).has(email)) {
        throw new Error(`${email} was removed from ${teamId}, but the IdP never wanted this person there.`);
      }
    }
  }

  private noTeamTwice(groups: readonly unknown[]): void {
    const ours = this.world.pagerDuty.teams().filter(({ id }) => !this.world.handMade.has(id));
    if (ours.length > groups.length) {
      throw new Error(`${groups.length} groups have the teams ${ours.map(({ name }) => name).join(', ')}.`);
    }
  }

  /** Repeats the check when it fails, because the reads may be from different moments. */
  private async syncedMeansSo(): Promise<void> {
    let wrong: string[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      wrong = await this.wronglySynced();
      if (wrong.length === 0) return;
      await pause(50 * 2 ** attempt);
    }
    throw new Error(wrong.join('\n'));
  }

  private async wronglySynced(): Promise<string[]> {
    const links = new Map((await this.world.users()).map((user) => [user.id, user]));
    return (await this.world.groups()).flatMap(({ id, state, displayName, remote }) => {
      const group = this.idp.groups.find((candidate) => candidate.id === id);
      if (state !== 'synced' || !group || this.world.drifted.has(remote?.id)) return [];
      const team = remote && this.world.pagerDuty.team(remote.id);
      if (!team) return [`${displayName} is synced without a team`];
      return [...this.nameProblems(group, team), ...this.memberProblems(group, team, links, 'synced')];
    });
  }

  private async problemsOf(
    group: ModelGroup,
    status: any,
    links: Map<string, any>,
    shown: readonly any[],
  ): Promise<string[]> {
    const { state, reason, message, remote } = status;
    const problems: string[] = [];
    if (!['synced', 'partial', 'blocked'].includes(state))
      problems.push(`${group.name} is ${state}: ${reason}`);
    if (state !== 'synced' && !(reason && message))
      problems.push(`${group.name} is ${state} without a reason`);
    if (!remote) {
      if (state !== 'blocked' || !this.isLost(group.name, shown)) problems.push(`${group.name} has no team`);
      return problems;
    }
    const team = this.world.pagerDuty.team(remote.id);
    if (!team) return [...problems, `the team of ${group.name} is gone`];
    const misnamed = this.nameProblems(group, team);
    if (misnamed.length > 0 && !(state === 'partial' && this.isLost(group.name, shown)))
      problems.push(...misnamed);
    problems.push(...this.memberProblems(group, team, links, state));
    problems.push(...(await this.reasonsOf(group, team, links)));
    const unresolved = this.idp.wantedIn(group).some(({ id }) => !links.get(id)?.remoteUserId);
    if (state === 'partial' && !unresolved && misnamed.length === 0) {
      problems.push(`${group.name} is partial and lacks nothing: ${reason}`);
    }
    return problems;
  }

  /** Whether a name is not available: its team has no group, or a group whose own name is not available either. */
  private isLost(name: string, shown: readonly any[], asked: readonly string[] = []): boolean {
    const holder = this.world.pagerDuty.team(name);
    // In a circle of managed teams that need each other's names, every name is available.
    if (!holder || asked.includes(name)) return false;
    const claim = shown.find(({ remote }) => remote?.id === holder.id);
    const group = this.idp.groups.find(({ id }) => id === claim?.id);
    return !group || (group.name !== name && this.isLost(group.name, shown, [...asked, name]));
  }

  private nameProblems({ name }: ModelGroup, team: SimTeam): string[] {
    return team.name === name ? [] : [`the team of ${name} is called ${team.name}`];
  }

  /** The team must have the members that the IdP wants, and those that were added manually and never wanted. */
  private memberProblems(group: ModelGroup, team: SimTeam, links: Map<string, any>, state: string): string[] {
    const { pagerDuty } = this.world;
    const present = new Set(team.members.map(({ email }) => email));
    const byHand = this.world.inByHand(team.id);
    const everWanted = this.idp.everWantedIn(this.world.holders.get(team.id) ?? []);
    const problems: string[] = [];
    const wanted = new Set<string>();
    for (const user of this.idp.wantedIn(group)) {
      const link = pagerDuty.user(links.get(user.id)?.remoteUserId ?? '')?.email;
      problems.push(...this.linkProblems(user, link));
      if (link !== undefined) wanted.add(link);
      else if (state === 'synced') problems.push(`${group.name} is synced without ${user.address}`);
    }
    for (const email of wanted) if (!present.has(email)) problems.push(`${group.name} lacks ${email}`);
    for (const email of present) {
      if (!wanted.has(email) && !byHand.has(email)) problems.push(`${group.name} still has ${email}`);
    }
    for (const email of byHand) {
      if (!present.has(email) && !everWanted.has(email)) {
        problems.push(`${group.name} lost ${email}, who was added manually`);
      }
    }
    return problems;
  }

  /** The link must be to the account with the address, else to one with an earlier address of the same person. */
  private linkProblems({ address, addresses }: ModelUser, link: string | undefined): string[] {
    if (this.world.pagerDuty.user(address)) {
      return link === address ? [] : [`${address} is linked to ${link ?? 'no account'}`];
    }
    return link === undefined || addresses.has(link) ? [] : [`${address} is linked to ${link}`];
  }

  /** Every wanted user that is not in the team must have a state and a reason. */
  private async reasonsOf(group: ModelGroup, team: SimTeam, links: Map<string, any>): Promise<string[]> {
    const shown = new Map((await this.world.members(group.id)).map((member) => [member.userId, member]));
    return this.idp.wantedIn(group).flatMap(({ id, address }) => {
      const member = shown.get(id);
      if (!member) return [`${address} is not shown with ${group.name}`];
      const isIn = team.members.some((one) => one.id === links.get(id)?.remoteUserId);
      if (isIn) {
        return member.state === 'applied'
          ? []
          : [`${address} is in ${group.name} but shown as ${member.state}`];
      }
      const told = ['pending', 'blocked'].includes(member.state) && member.reason && member.message;
      return told ? [] : [`${address} is not in ${group.name} and no reason is shown`];
    });
  }
}
