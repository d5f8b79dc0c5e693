import { HttpService } from '@nestjs/axios';
import type { FaultSpec, SimTeam, Simulator } from '../../../simulator/simulator';
import { startSimulator } from '../../../simulator/simulator';
import { TransactionRunner } from '../../../src/database/transaction-runner';
import { type TestDatabase, createTestDatabase } from '../../support/database';
import { type ScimClient, USER_SCHEMA } from '../../support/scim-client';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../../support/scimify';
import { waitFor } from '../../support/wait';
import { letTimePassSinceCreations } from './passing-time';

/** Addresses of the PagerDuty users. The IdP never has the last two. */
export const ADDRESSES = ['ada', 'bo', 'cy', 'dee', 'eve', 'guest', 'stranger'].map(
  (name) => `${name}@example.com`,
);
export const OF_THE_IDP = ADDRESSES.slice(0, 5);
/** A team that never changes: without any team, the account looks like another account. */
export const UNTOUCHED = 'Untouched';

const CALL_TIMEOUT_MS = 1_000;
const MINUTE = 60_000;
/** How often `settle` makes waiting work due. */
const HURRY_EVERY_MS = 400;

export const FAULTS = {
  '500': { status: 500 },
  '500 after its effect': { status: 500, afterEffect: true },
  '429': { status: 429, headers: { 'retry-after': '0' } },
  'a dropped connection': { drop: true },
  'a dropped connection after its effect': { drop: true, afterEffect: true },
  'no answer in time': { latencyMs: 2 * CALL_TIMEOUT_MS, afterEffect: true },
} satisfies Record<string, FaultSpec>;

/** The parts of a world. */
export async function worldOfItsOwn(): Promise<[Simulator, TestDatabase, string]> {
  const pagerDuty = await startSimulator({ rateLimit: 1_000_000 });
  return [pagerDuty, await createTestDatabase(), pagerDuty.addApiKey()];
}

/** The product, which can be restarted, with a PagerDuty where people change teams manually. */
export class StateMachineWorld {
  protected scimify!: Scimify;
  private tenantId!: string;
  private current: TestIntegration | null = null;
  /** Teams that existed before Scimify. */
  readonly handMade = new Set<string>();
  /** Team id → addresses that were added manually. */
  private readonly byHand = new Map<string, Set<string>>();
  /** Teams with manual changes since the last `settle`. */
  readonly drifted = new Set<string>();
  /** Team id → ids of all groups that were seen to have it. */
  readonly holders = new Map<string, Set<string>>();

  /** The policies of all integrations. */
  protected readonly policies: object = WITHOUT_GUARD;

  protected constructor(
    readonly pagerDuty: Simulator,
    private readonly database: TestDatabase,
    private readonly apiKey: string,
  ) {}

  static async start(): Promise<StateMachineWorld> {
    return new StateMachineWorld(...(await worldOfItsOwn())).begin();
  }

  protected async begin(): Promise<this> {
    await this.boot();
    this.tenantId = await this.scimify.createTenant();
    return this;
  }

  async stop(): Promise<void> {
    await this.scimify.stop();
    await this.pagerDuty.close();
    await this.database.remove();
  }

  /** Interrupts all work in progress. */
  async restart(): Promise<void> {
    await this.scimify.stop();
    await this.boot();
    this.integration.scim = this.scimify.scimWith(this.integration.id, this.integration.scimKey);
  }

  /** Starts again with two teams that a group can adopt, and a new integration. */
  async reset(): Promise<void> {
    if (this.current) await this.admin('disable');
    this.pagerDuty.reset();
    for (const known of [this.handMade, this.byHand, this.drifted, this.holders]) known.clear();
    this.populate();
    await this.createIntegration();
  }

  protected populate(): void {
    for (const email of ADDRESSES) this.pagerDuty.addUser({ email });
    this.makeByHand(UNTOUCHED, ['ada@example.com']);
    this.makeByHand('Ops', ['ada@example.com', 'guest@example.com']);
    this.makeByHand('Night', ['bo@example.com']);
  }

  protected get integration(): TestIntegration {
    return this.current!;
  }

  get scim(): ScimClient {
    return this.integration.scim;
  }

  async groups(): Promise<any[]> {
    const groups = await this.scimify.groups(this.integration);
    for (const { id, remote } of groups) {
      if (!remote) continue;
      this.holders.set(remote.id, (this.holders.get(remote.id) ?? new Set()).add(id));
    }
    return groups;
  }

  members(groupId: string): Promise<any[]> {
    return this.scimify.members(this.integration, groupId);
  }

  async users(): Promise<any[]> {
    return (await this.scimify.admin.get(`/integrations/${this.integration.id}/users?limit=200`)).body.items;
  }

  async admin(action: string, body?: object): Promise<void> {
    const { status } = await this.scimify.admin.post(`/integrations/${this.integration.id}/${action}`, body);
    if (status >= 300) throw new Error(`${action} was answered with ${status}`);
  }

  async createUser(key: number, address: string): Promise<string> {
    return this.scim.createUser(address, {
      schemas: [USER_SCHEMA],
      userName: `user${key}@idp.example`,
      externalId: `00u-${key}`,
    });
  }

  async changeAddress(userId: string, address: string): Promise<void> {
    const value = [{ value: address, type: 'work', primary: true }];
    const { status } = await this.scim.patchOperations(`/Users/${userId}`, {
      op: 'replace',
      path: 'emails',
      value,
    });
    if (status >= 300) throw new Error(`A new address was answered with ${status}`);
  }

  failNext(fault: keyof typeof FAULTS, method: string | undefined, times: number): void {
    this.pagerDuty.inject({ ...FAULTS[fault], times, ...(method === undefined ? {} : { method }) });
  }

  teamsToEdit(): SimTeam[] {
    return this.pagerDuty.teams().filter(({ name }) => name !== UNTOUCHED);
  }

  teamsMadeByHand(): SimTeam[] {
    return this.teamsToEdit().filter(({ id }) => this.handMade.has(id));
  }

  /** False for a team whose creation got no response: only its name can show which group it is for. */
  isKnown(team: SimTeam): boolean {
    return this.handMade.has(team.id) || this.holders.has(team.id);
  }

  addByHand(team: SimTeam, email: string): void {
    if (team.members.some((member) => member.email === email)) return;
    this.pagerDuty.addMember(team.id, this.pagerDuty.user(email)!.id);
    this.byHand.set(team.id, new Set([...this.inByHand(team.id), email]));
    this.drifted.add(team.id);
  }

  removeByHand(team: SimTeam, email: string): void {
    if (!team.members.some((member) => member.email === email)) return;
    this.pagerDuty.removeMember(team.id, this.pagerDuty.user(email)!.id);
    this.inByHand(team.id).delete(email);
    this.drifted.add(team.id);
  }

  renameByHand(team: SimTeam, name: string): void {
    this.pagerDuty.renameTeam(team.id, name);
    this.drifted.add(team.id);
  }

  deleteByHand(team: SimTeam): void {
    this.pagerDuty.removeTeam(team.id);
    this.drifted.add(team.id);
  }

  inByHand(teamId: string): Set<string> {
    return this.byHand.get(teamId) ?? new Set();
  }

  /** Makes all writes old, so that the rules for the last two minutes do not apply. */
  async longAfterwards(): Promise<void> {
    await this.scimify.app
      .get(TransactionRunner)
      .run((tx) => tx.query('UPDATE remote_group SET lastWriteAt = lastWriteAt - ?', [5 * MINUTE]));
    await letTimePassSinceCreations(this.scimify, 5 * MINUTE);
  }

  /** Removes all faults, makes waiting work due, and requests reconciliations until no problem is left. */
  async settle(problems: () => Promise<string[]>): Promise<void> {
    this.pagerDuty.clearFaults();
    let hurriedAt = 0;
    let turn = 0;
    const look = async () => {
      if (performance.now() - hurriedAt > HURRY_EVERY_MS) {
        hurriedAt = performance.now();
        await this.longAfterwards();
        await this.admin('sync');
        if (turn++ % 3 === 0) await this.admin('reconcile', { acceptMissingTeams: true });
      }
      return problems();
    };
    await waitFor('everything to be as the IdP wants it', look, (found) => found.length === 0, 30_000);
    this.drifted.clear();
  }

  private async boot(): Promise<void> {
    // By default, each start creates a database and a PagerDuty. These here must survive a restart.
    this.scimify = await Scimify.start({
      DATABASE_URL: this.database.url,
      PAGERDUTY_API_URL: this.pagerDuty.url,
      PAGERDUTY_IDENTITY_URL: this.pagerDuty.url,
    });
    this.scimify.app.get(HttpService, { strict: false }).axiosRef.defaults.timeout = CALL_TIMEOUT_MS;
  }

  private makeByHand(name: string, emails: readonly string[]): void {
    const { id } = this.pagerDuty.addTeam({ name, description: 'Made by hand' });
    this.handMade.add(id);
    for (const email of emails) this.addByHand(this.pagerDuty.team(id)!, email);
  }

  private async createIntegration(): Promise<void> {
    const { body } = await this.scimify.admin.post(`/tenants/${this.tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret: this.apiKey,
      policies: this.policies,
    });
    const key = await this.scimify.admin.post(`/integrations/${body.id}/scim-keys`, { name: 'Okta' });
    const scimKey: string = key.body.token;
    const scim = this.scimify.scimWith(body.id, scimKey);
    this.current = { id: body.id, tenantId: this.tenantId, scimKey, scim };
    await this.admin('enable');
  }
}
