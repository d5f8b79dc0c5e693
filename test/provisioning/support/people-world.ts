import type { Fault, SimTeam } from '../../../simulator/simulator';
import { FOR_UPDATE } from '../../../src/database/dialect';
import { TransactionRunner } from '../../../src/database/transaction-runner';
import { Scheduler } from '../../../src/provisioning/schedule/scheduler';
import { WorkLedger } from '../../../src/provisioning/schedule/work-ledger';
import { setTimeout as pause } from 'node:timers/promises';
import { PassingClock } from './passing-clock';
import { betweenRuns } from './passing-time';
import { StateMachineWorld, UNTOUCHED, worldOfItsOwn } from './state-machine-world';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** Addresses of the IdP's users by key, and of PagerDuty's accounts before any change there. */
export const PEOPLE = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay', 'gus'].map((name) => `${name}@example.com`);
/** PagerDuty accounts that the IdP does not have. */
const OTHERS = ['guest', 'stranger'].map((name) => `${name}@example.com`);

/** Small, so that seven people reach its thresholds. */
export const GUARD = {
  teamPercent: 50,
  teamMembers: 3,
  integrationPercent: 50,
  integrationMembers: 8,
  deletedTeams: 1,
};

/** Permanent errors of PagerDuty for one person. */
export const REFUSALS = [400, 403, 404, 500] as const;
export type RefusedWith = (typeof REFUSALS)[number];
export type MemberMethod = 'PUT' | 'DELETE';

interface Refusal {
  accountId: string;
  /** Null: in every team. */
  teamId: string | null;
  methods: readonly MemberMethod[];
  status: RefusedWith;
  faults: Fault[];
}

/** More calls than this while no time passes count as an endless loop. */
const CALLS_WITHOUT_END = 600;
const AT_REST_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 5;
/** The shortest time between two wake-ups of the scheduler: each wake-up starts a run. */
const WAKE_EVERY_MS = 30;

/**
 * A PagerDuty where accounts and their addresses change, single people are refused permanently, and policies use teams.
 * Hours pass at once, and no admin requests a retry.
 */
export class PeopleWorld extends StateMachineWorld {
  protected override readonly policies = { guard: GUARD };
  private readonly clock = new PassingClock();
  private refusals: Refusal[] = [];
  /** Team id → faults. */
  private readonly refusedTeams = new Map<string, Fault[]>();
  private newAccounts = 0;
  private membersPerTeam = Infinity;
  private lastSeq = 0;
  isPaused = false;
  /** Team id → accounts that were added manually. */
  private readonly putByHand = new Map<string, Set<string>>();
  /** Team id → accounts that were in the team before its adoption and were not removed since. */
  private readonly before = new Map<string, Set<string>>();

  static override async start(): Promise<PeopleWorld> {
    return new PeopleWorld(...(await worldOfItsOwn())).begin();
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.clock.restore();
  }

  override async reset(): Promise<void> {
    this.refusals = [];
    this.refusedTeams.clear();
    this.isPaused = false;
    this.membersPerTeam = Infinity;
    await super.reset();
  }

  protected override populate(): void {
    this.putByHand.clear();
    this.before.clear();
    for (const email of [...PEOPLE, ...OTHERS]) this.pagerDuty.addUser({ email });
    this.makeTeamByHand(UNTOUCHED, PEOPLE.slice(0, 1));
    this.makeTeamByHand('Ops', [PEOPLE[0]!, PEOPLE[2]!, OTHERS[0]!]);
    this.makeTeamByHand('Night', PEOPLE.slice(1, 2));
  }

  private makeTeamByHand(name: string, emails: readonly string[]): void {
    const { id } = this.pagerDuty.addTeam({ name, description: 'Made by hand' });
    this.handMade.add(id);
    for (const email of emails) this.join(this.pagerDuty.team(id)!, this.accountOf(email)!);
  }

  // Accounts and their addresses

  /** The account with this login address. */
  accountOf(address: string): string | undefined {
    return this.pagerDuty.user(address)?.id;
  }

  /** The account gets another address, and a new account gets this one. */
  giveToNewAccount(address: string): void {
    this.takeAddress(address);
    this.pagerDuty.addUser({ email: address });
  }

  /** The account gets another address, so no account has this one. */
  takeAddress(address: string): void {
    const account = this.accountOf(address);
    if (account === undefined) return;
    this.newAccounts += 1;
    this.pagerDuty.updateUser(account, { email: `former-${this.newAccounts}@example.com` });
  }

  exchangeAddresses(one: string, other: string): void {
    const [first, second] = [this.accountOf(one), this.accountOf(other)];
    if (first === undefined || second === undefined || first === second) return;
    this.pagerDuty.updateUser(first, { email: 'meanwhile@example.com' });
    this.pagerDuty.updateUser(second, { email: one });
    this.pagerDuty.updateUser(first, { email: other });
  }

  changeCase(address: string): void {
    const account = this.accountOf(address);
    if (account === undefined) return;
    const { email } = this.pagerDuty.user(account)!;
    this.pagerDuty.updateUser(account, {
      email: email === email.toUpperCase() ? address : email.toUpperCase(),
    });
  }

  // Teams by hand

  private setIn(sets: Map<string, Set<string>>, teamId: string): Set<string> {
    const set = sets.get(teamId) ?? new Set();
    sets.set(teamId, set);
    return set;
  }

  /** Accounts that were added to the team manually. */
  inTeamByHand(teamId: string): ReadonlySet<string> {
    return this.setIn(this.putByHand, teamId);
  }

  /** Accounts that stay in the team when it is released. */
  wereThereBefore(teamId: string): Set<string> {
    return this.setIn(this.before, teamId);
  }

  /** @param isClaimed whether the team already belongs to a group */
  join(team: SimTeam, accountId: string, isClaimed = false): void {
    if (team.members.some(({ id }) => id === accountId)) return;
    this.pagerDuty.addMember(team.id, accountId);
    this.setIn(this.putByHand, team.id).add(accountId);
    if (!isClaimed) this.wereThereBefore(team.id).add(accountId);
    this.drifted.add(team.id);
  }

  /** @param isWanted whether Scimify will add the account again */
  leave(team: SimTeam, accountId: string, isWanted: boolean): void {
    this.pagerDuty.removeMember(team.id, accountId);
    this.setIn(this.putByHand, team.id).delete(accountId);
    if (!isWanted) this.wereThereBefore(team.id).delete(accountId);
    this.drifted.add(team.id);
  }

  // What PagerDuty refuses

  /** @param teamId null: in every team */
  refuse(
    accountIds: readonly string[],
    teamId: string | null,
    methods: readonly MemberMethod[],
    status: RefusedWith,
  ): void {
    for (const accountId of accountIds) {
      const path = new RegExp(`^/teams/${teamId ?? '[A-Z0-9]+'}/users/${accountId}$`);
      const faults = methods.map((method) => this.pagerDuty.inject({ method, path, status }));
      this.refusals.push({ accountId, teamId, methods, status, faults });
    }
  }

  /** PagerDuty shows the team, but refuses to rename or delete it. */
  refuseTeam(teamId: string, status: RefusedWith): void {
    const path = `/teams/${teamId}`;
    const faults = ['PUT', 'DELETE'].map((method) => this.pagerDuty.inject({ method, path, status }));
    this.refusedTeams.set(teamId, [...(this.refusedTeams.get(teamId) ?? []), ...faults]);
  }

  isTeamRefused(teamId: string): boolean {
    return this.refusedTeams.has(teamId);
  }

  refuseNobody(): void {
    const ofTeams = [...this.refusedTeams.values()].flat();
    for (const fault of [...this.refusals.flatMap(({ faults }) => faults), ...ofTeams]) fault.remove();
    this.refusals = [];
    this.refusedTeams.clear();
  }

  /** Whether PagerDuty would refuse this call now, or fail, because of a policy or an injected refusal. */
  isRefused(accountId: string, team: SimTeam, method: MemberMethod): boolean {
    const isOnPolicy = team.associations.some(({ userIds }) => userIds.includes(accountId));
    return (
      (method === 'DELETE' && isOnPolicy) ||
      this.refusals.some(
        (refusal) =>
          refusal.accountId === accountId &&
          refusal.methods.includes(method) &&
          [null, team.id].includes(refusal.teamId),
      )
    );
  }

  /** Whether the team has the maximum number of members. */
  isFull({ members }: SimTeam): boolean {
    return members.length >= this.membersPerTeam;
  }

  limitTeamsTo(members: number): void {
    this.membersPerTeam = members;
    this.pagerDuty.setLimits({ membersPerTeam: members });
  }

  // What an admin sees and does

  async heldChanges(): Promise<any[]> {
    const { body } = await this.scimify.admin.get(
      `/integrations/${this.integration.id}/held-changes?limit=200`,
    );
    return body.items;
  }

  async decide(heldChangeId: string, decision: 'approve' | 'reject'): Promise<void> {
    const { status } = await this.scimify.admin.post(`/held-changes/${heldChangeId}/${decision}`, {});
    if (status >= 300) throw new Error(`The decision was answered with ${status}`);
  }

  async overview(): Promise<any> {
    return (await this.scimify.admin.get(`/integrations/${this.integration.id}/overview`)).body;
  }

  async ownIntegration(): Promise<any> {
    return (await this.scimify.admin.get(`/integrations/${this.integration.id}`)).body;
  }

  async setPaused(isPaused: boolean): Promise<void> {
    if (isPaused === this.isPaused) return;
    await this.admin(isPaused ? 'pause' : 'enable');
    this.isPaused = isPaused;
  }

  // Time

  /** Lets time pass, and waits until all due work is done. */
  async pass(ms: number): Promise<void> {
    await this.skip(ms);
    await this.rest();
    // Then work that had waited for this work.
    await this.skip(15 * SECOND);
    await this.rest();
  }

  private skip(ms: number): Promise<void> {
    return betweenRuns(this.scimify, () => Promise.resolve(this.clock.pass(ms)));
  }

  /** Waits until no work is due. It does not wait for the sweep, which runs every second. */
  async rest(): Promise<void> {
    const ledger = this.scimify.app.get(WorkLedger);
    const scheduler = this.scimify.app.get(Scheduler);
    const { id } = this.integration;
    const begun = this.clock.real();
    const before = this.lastCall();
    let wokenAt = -Infinity;
    for (;;) {
      const isAtWork = await this.isAtWork();
      const due = await ledger.due(Date.now());
      if (!isAtWork && !due.includes(id)) return;
      if (!isAtWork && this.clock.real() - wokenAt > WAKE_EVERY_MS) {
        wokenAt = this.clock.real();
        scheduler.wake(id);
      }
      const calls = this.lastCall() - before;
      if (calls > CALLS_WITHOUT_END || this.clock.real() - begun > AT_REST_WITHIN_MS) {
        const last = this.pagerDuty.calls().slice(-30);
        throw new Error(
          `It does not come to rest after ${calls} calls, the last of which are\n` +
            last.map(({ method, path, status }) => `${method} ${path} ${status}`).join('\n'),
        );
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Wakes the scheduler when there is no work. */
  async lookForNothing(): Promise<void> {
    this.scimify.app.get(Scheduler).wake(this.integration.id);
    await pause(LOOK_EVERY_MS);
    await this.rest();
  }

  /** `seq` of the last call to PagerDuty. */
  lastCall(): number {
    // The numbers continue after the log is cleared.
    this.lastSeq = this.pagerDuty.calls().at(-1)?.seq ?? this.lastSeq;
    return this.lastSeq;
  }

  private async isAtWork(): Promise<boolean> {
    const leases = await this.scimify.app
      .get(TransactionRunner)
      .run((tx) =>
        tx.query<{ owner: string | null }>(`SELECT owner FROM lease WHERE integrationId = ?${FOR_UPDATE}`, [
          this.integration.id,
        ]),
      );
    return leases.some(({ owner }) => owner !== null);
  }
}
