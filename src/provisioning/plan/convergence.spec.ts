import fc from '../../../test/support/properties';
import { driftOf } from '../reconcile/drift';
import type { CreateIntent, Ownership } from '../state/remote-group.entity';
import { planRelease, planGroup } from './group-plan';
import { type KnownMember, planMembers } from './member-plan';
import { planName } from './name-plan';
import { isIntended, planNewGroup } from './new-group';
import { planRename, temporaryName } from './rename-plan';

/** The result of a call for its caller. */
type Fate = 'answered' | 'lost' | 'answer lost';

/** IdP users and their remote users: two have the same remote user, one has none. */
const REMOTE_USER_OF = new Map<string, string | null>([
  ['ada', 'P1'],
  ['bo', 'P2'],
  ['cy', 'P3'],
  ['dee', 'P4'],
  ['eve', 'P5'],
  ['eve.admin', 'P5'],
  ['nobody', null],
]);
const PEOPLE = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7'];
const NAMES = ['A', 'B', 'C', 'D'];
const PLACES = 6;

const provider = {
  limits: { groupNameLength: 60, membersPerGroup: PLACES, parallelCalls: 1 },
  description: { displayName: 'Target', authMethods: [], settingsSchema: {}, memberRoles: [], guides: [] },
  groupNameKey: (name: string) => name,
};

interface Group {
  id: string;
  name: string;
  members: readonly string[];
}

interface HandEdit {
  kind: 'join' | 'leave' | 'rename';
  team: string;
  person: string;
  newName: string;
}

/** What the IdP wants at one time, and what was changed by hand in the target right before. */
interface Phase {
  handEdits: readonly HandEdit[];
  groups: readonly Group[];
  inactive: readonly string[];
}

interface Team {
  name: string;
  description: string;
  members: Set<string>;
}

/** What is recorded of one group. */
interface Claim {
  remoteId: string | null;
  remoteName: string | null;
  /** The confirmed name: a temporary name is recorded before it is sent. */
  nameKey: string | null;
  ownership: Ownership | null;
  createIntent: CreateIntent | null;
  members: Map<string, KnownMember>;
}

class CutOff extends Error {}
class NameTaken extends Error {}

/**
 * A target, its record, and the simplest engine for the plans: it records the intent, makes the call, then records the
 * outcome. After a cut-off only the target and the record remain.
 */
class World {
  readonly teams = new Map<string, Team>();
  readonly claims = new Map<string, Claim>();
  private readonly made = new Set<string>();
  /** By remote group, all remote users that the IdP ever wanted in it. */
  private readonly everWanted = new Map<string, Set<string>>();
  private phase: Phase = { handEdits: [], groups: [], inactive: [] };
  private fates: Fate[] = [];
  private effects = 0;
  private turns = 0;

  constructor(foreign: readonly Omit<Team, 'description'>[]) {
    for (const { name, members } of foreign) this.addTeam({ name, members, description: 'by hand' });
  }

  begin(phase: Phase): void {
    for (const edit of phase.handEdits) this.editByHand(edit);
    this.reconcile();
    this.phase = phase;
  }

  /** One pass over all groups in a changing order; it ends at the first call without an answer. */
  runOnce(fates: readonly Fate[]): 'ended' | 'cut off' {
    this.fates = [...fates];
    const ids = [...new Set([...this.phase.groups.map(({ id }) => id), ...this.claims.keys()])];
    const first = this.turns++ % Math.max(ids.length, 1);
    try {
      for (const id of [...ids.slice(first), ...ids.slice(0, first)]) this.bring(id);
      return 'ended';
    } catch (error) {
      if (error instanceof CutOff) return 'cut off';
      throw error;
    }
  }

  /** Runs until no work is left. */
  converge(): void {
    for (let turn = 0; turn < 40; turn++) {
      const before = this.shown();
      const { effects } = this;
      this.runOnce([]);
      if (this.shown() === before && this.effects === effects) return;
    }
    throw new Error(`It never comes to rest: ${this.shown()}`);
  }

  /** The state of the target without its ids. */
  outcome(): object {
    const byName = (a: Team, b: Team) => (a.name < b.name ? -1 : 1);
    return [...this.teams.values()]
      .sort(byName)
      .map(({ name, description, members }) => ({ name, description, members: [...members].sort() }));
  }

  expectDesired(): void {
    for (const { id, name } of this.phase.groups) {
      const { remoteId } = this.claims.get(id)!;
      const holder = this.idOfTeamNamed(name);
      if (remoteId === null) {
        // Only a remote group of another group blocks a new one.
        expect(this.groupOf(holder!)).not.toBe(id);
        continue;
      }
      const team = this.teams.get(remoteId)!;
      // A rename never adopts: a foreign name stays foreign, and a free name can be taken.
      if (team.name !== name) expect(holder).toBeDefined();
      const wanted = new Set(this.wantedIn(id).keys());
      const absent = [...wanted].filter((person) => !team.members.has(person));
      if (team.members.size < PLACES) expect(absent).toEqual([]);
      const unwanted = [...team.members].filter((person) => !wanted.has(person));
      expect(unwanted.filter((person) => this.claims.get(id)!.members.get(person)?.managed)).toEqual([]);
    }
    const held = [...this.claims.values()].map(({ remoteId }) => remoteId);
    const leftBehind = [...this.made].filter((id) => this.teams.has(id) && !held.includes(id));
    expect(leftBehind).toEqual([]);
    expect(this.phase.groups.map(({ id }) => id)).toEqual(expect.arrayContaining([...this.claims.keys()]));
  }

  private bring(id: string): void {
    const group = this.phase.groups.find((candidate) => candidate.id === id) ?? null;
    const claim = this.claims.get(id) ?? noClaim();
    this.claims.set(id, claim);
    if (!group) {
      this.letGo(claim, id);
      return;
    }
    const action = planGroup({ displayName: group.name }, claim);
    switch (action.kind) {
      case 'resume-create':
        if (this.obtain(claim, action.intent.name, group.name)) this.bring(id);
        return;
      case 'find-or-create':
        if (this.obtain(claim, action.name, action.name)) this.bring(id);
        return;
      case 'keep':
        this.bringName(claim, group.name);
        this.bringMembers(claim, id);
    }
  }

  private letGo(claim: Claim, id: string): void {
    const action = planRelease(claim, 'delete');
    switch (action.kind) {
      case 'resume-create':
        this.settleCreation(claim, action.intent);
        this.letGo(claim, id);
        return;
      case 'delete':
        this.send(() => this.removeTeam(claim.remoteId!));
        break;
      case 'release':
        this.release(claim);
        break;
      case 'forget':
        break;
    }
    this.claims.delete(id);
  }

  /** @returns whether it makes sense to go on */
  private obtain(claim: Claim, name: string, groupName: string): boolean {
    const id = this.idOfTeamNamed(name);
    const holder = id === undefined ? undefined : this.groupOf(id);
    const plan = planNewGroup({
      name,
      groupName,
      existing: id === undefined ? undefined : { id, url: null, ...this.teams.get(id)! },
      intent: claim.createIntent,
      claim: holder === undefined ? undefined : this.claimOf(holder, name),
      mayBelongToAnotherGroup: [...this.claims.values()].some(
        (other) => other !== claim && other.createIntent?.name === name,
      ),
      integrationId: 'this',
      existingTeams: 'adopt',
      now: 0,
      provider,
    });
    switch (plan.kind) {
      case 'create': {
        claim.createIntent = { name, description: 'ours', sentAt: 0 };
        const made = this.send(() => this.createTeam(name));
        own(claim, { id: made, name }, 'created');
        return true;
      }
      case 'recognise':
        own(claim, plan.team, 'created');
        return true;
      case 'adopt':
        own(claim, plan.team, 'adopted');
        for (const person of this.teams.get(plan.team.id)!.members) {
          claim.members.set(person, { state: 'present', managed: false, preexisting: true });
        }
        return true;
      case 'give-up':
        claim.createIntent = null;
        return true;
      default:
        return false;
    }
  }

  private claimOf(holder: string, teamName: string) {
    const group = this.phase.groups.find(({ id }) => id === holder);
    return {
      groupName: group?.name ?? teamName,
      integrationId: 'this',
      deleted: group === undefined,
      stuck: false,
    };
  }

  private settleCreation(claim: Claim, intent: CreateIntent): void {
    const id = this.idOfTeamNamed(intent.name);
    const held = id === undefined || this.groupOf(id) !== undefined;
    const team = held ? null : { id, url: null, ...this.teams.get(id)! };
    if (team && isIntended(team, intent)) own(claim, team, 'created');
    else claim.createIntent = null;
  }

  private release({ remoteId, members }: Claim): void {
    const ours = [...members].filter(([, { managed, preexisting }]) => managed && !preexisting);
    for (const [person, member] of ours) members.set(person, { ...member, state: 'removing' });
    for (const [person] of ours) {
      this.send(() => this.takeOut(remoteId!, person));
      members.delete(person);
    }
  }

  private bringName(claim: Claim, name: string): void {
    const team = { ...claim, nameReason: null, nameMessage: null, nameNextAttemptAt: null };
    if (planName({ name, team, changed: true, now: 0, provider }).kind !== 'rename') return;
    const id = [...this.claims].find(([, candidate]) => candidate === claim)![0];
    const step = planRename(id, this.pendingRenames());
    if (step === 'wait') return;
    const next =
      step === 'now' ? name : temporaryName(claim.remoteName!, id, provider.limits.groupNameLength);
    if (step === 'through-temporary-name') claim.remoteName = next;
    try {
      this.send(() => this.renameTeam(claim.remoteId!, next));
    } catch (error) {
      if (error instanceof NameTaken) return;
      throw error;
    }
    claim.remoteName = next;
    claim.nameKey = next;
  }

  private pendingRenames() {
    return this.phase.groups.flatMap(({ id, name }) => {
      const claim = this.claims.get(id);
      return claim?.remoteId && claim.remoteName !== name
        ? [{ id, heldKey: claim.nameKey!, wantedKey: name, stuck: false }]
        : [];
    });
  }

  private bringMembers({ remoteId, members }: Claim, groupId: string): void {
    const wanted = this.wantedIn(groupId);
    for (const person of wanted.keys()) this.everWanted.get(remoteId!)!.add(person);
    const plan = planMembers({
      people: [...REMOTE_USER_OF].map(([userId, remoteUserId]) => ({
        userId,
        desired: this.wants(groupId, userId),
        link:
          remoteUserId === null
            ? { kind: 'unresolved', reason: 'user_not_found', message: '', nextCheckAt: 0 }
            : { kind: 'resolved', remoteUserId },
      })),
      remoteUserIds: [...members.keys()],
      wanted,
      known: members,
      leavers: new Set(PEOPLE.filter((person) => !this.isActive(person))),
      unmanagedMembers: 'keep',
      room: PLACES - members.size,
    });
    for (const person of plan.add) {
      const preexisting = members.get(person)?.preexisting ?? false;
      members.set(person, { state: 'adding', managed: true, preexisting });
    }
    for (const { remoteUserId } of plan.remove) {
      members.set(remoteUserId, { ...members.get(remoteUserId)!, state: 'removing' });
    }
    for (const person of plan.manage) members.set(person, { ...members.get(person)!, managed: true });
    for (const person of plan.add) {
      this.send(() => this.teams.get(remoteId!)!.members.add(person));
      members.set(person, { ...members.get(person)!, state: 'present' });
    }
    for (const { remoteUserId } of plan.remove) {
      this.send(() => this.takeOut(remoteId!, remoteUserId));
      members.delete(remoteUserId);
    }
  }

  private wants(groupId: string, userId: string): boolean {
    const group = this.phase.groups.find(({ id }) => id === groupId);
    return Boolean(group?.members.includes(userId)) && !this.phase.inactive.includes(userId);
  }

  private wantedIn(groupId: string): Map<string, string[]> {
    const wanted = new Map<string, string[]>();
    for (const [userId, person] of REMOTE_USER_OF) {
      if (person === null || !this.wants(groupId, userId)) continue;
      wanted.set(person, [...(wanted.get(person) ?? []), userId]);
    }
    return wanted;
  }

  private isActive(person: string): boolean {
    return [...REMOTE_USER_OF].some(([id, linked]) => linked === person && !this.phase.inactive.includes(id));
  }

  private send<T>(effect: () => T): T {
    const fate = this.fates.shift() ?? 'answered';
    if (fate === 'lost') throw new CutOff();
    const result = effect();
    this.effects += 1;
    if (fate === 'answer lost') throw new CutOff();
    return result;
  }

  private addTeam(team: Team): string {
    const id = `T${this.everWanted.size + 1}`;
    this.teams.set(id, { ...team, members: new Set(team.members) });
    this.everWanted.set(id, new Set());
    return id;
  }

  private createTeam(name: string): string {
    if (this.idOfTeamNamed(name) !== undefined) throw new Error(`A second team "${name}" was asked for.`);
    const id = this.addTeam({ name, description: 'ours', members: new Set() });
    this.made.add(id);
    return id;
  }

  private renameTeam(id: string, name: string): void {
    const holder = this.idOfTeamNamed(name);
    if (holder !== undefined && holder !== id) throw new NameTaken();
    this.teams.get(id)!.name = name;
  }

  private removeTeam(id: string): void {
    if (!this.made.has(id)) throw new Error('An adopted remote group was deleted.');
    this.teams.delete(id);
  }

  private takeOut(id: string, person: string): void {
    if (!this.everWanted.get(id)!.has(person)) throw new Error('A member left that the IdP never wanted.');
    this.teams.get(id)!.members.delete(person);
  }

  private idOfTeamNamed(name: string): string | undefined {
    return [...this.teams].find(([, team]) => team.name === name)?.[0];
  }

  private groupOf(remoteId: string): string | undefined {
    return [...this.claims].find(([, claim]) => claim.remoteId === remoteId)?.[0];
  }

  private editByHand({ kind, team, person, newName }: HandEdit): void {
    const id = this.idOfTeamNamed(team);
    if (id === undefined) return;
    const edited = this.teams.get(id)!;
    // Only its name identifies a creation without an answer.
    if (kind === 'rename' && this.made.has(id) && this.groupOf(id) === undefined) return;
    if (kind === 'join' && edited.members.size < PLACES) edited.members.add(person);
    if (kind === 'leave') edited.members.delete(person);
    if (kind === 'rename' && this.idOfTeamNamed(newName) === undefined) edited.name = newName;
  }

  private reconcile(): void {
    for (const [id, claim] of this.claims) {
      const team = claim.remoteId === null ? undefined : this.teams.get(claim.remoteId);
      if (!team) continue;
      const { name, members } = team;
      const known = {
        remoteName: claim.remoteName!,
        members: claim.members,
        wanted: new Set(this.wantedIn(id).keys()),
      };
      const drift = driftOf(known, { name, memberIds: members, membersComplete: true }, new Set());
      claim.remoteName = name;
      claim.nameKey = name;
      for (const person of [...drift.missing, ...drift.gone]) claim.members.delete(person);
      for (const person of drift.extra) {
        claim.members.set(person, { state: 'present', managed: false, preexisting: false });
      }
    }
  }

  private shown(): string {
    return JSON.stringify([...this.claims], (_, value: unknown) =>
      value instanceof Map ? [...value] : value instanceof Set ? [...value] : value,
    );
  }
}

function noClaim(): Claim {
  return {
    remoteId: null,
    remoteName: null,
    nameKey: null,
    ownership: null,
    createIntent: null,
    members: new Map(),
  };
}

function own(claim: Claim, { id, name }: { id: string; name: string }, ownership: Ownership): void {
  Object.assign(claim, { remoteId: id, remoteName: name, nameKey: name, ownership, createIntent: null });
  claim.members.clear();
}

const anyForeign = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    members: fc.subarray(PEOPLE, { maxLength: PLACES }).map((people) => new Set(people)),
  }),
  { selector: ({ name }) => name, maxLength: 2 },
);

const anyHandEdit = fc.record({
  kind: fc.constantFrom('join' as const, 'leave' as const, 'rename' as const),
  team: fc.constantFrom(...NAMES, 'by hand'),
  person: fc.constantFrom(...PEOPLE),
  newName: fc.constantFrom(...NAMES, 'by hand'),
});

const anyPhase: fc.Arbitrary<Phase> = fc.record({
  handEdits: fc.array(anyHandEdit, { maxLength: 3 }),
  groups: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('g1', 'g2', 'g3', 'g4'),
      name: fc.constantFrom(...NAMES),
      members: fc.subarray([...REMOTE_USER_OF.keys()]),
    }),
    { comparator: (a, b) => a.id === b.id || a.name === b.name },
  ),
  inactive: fc.subarray([...REMOTE_USER_OF.keys()], { maxLength: 2 }),
});

/** Ids are never reused: a deleted group does not come back. */
function withoutReturns(phases: readonly Phase[]): Phase[] {
  const gone = new Set<string>();
  let before: readonly Group[] = [];
  return phases.map((phase) => {
    const groups = phase.groups.filter(({ id }) => !gone.has(id));
    for (const { id } of before) if (!groups.some((group) => group.id === id)) gone.add(id);
    before = groups;
    return { ...phase, groups };
  });
}

const anyPhases = fc.array(anyPhase, { minLength: 1, maxLength: 3 }).map(withoutReturns);
const anyFates = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Fate>('answered') },
    { weight: 1, arbitrary: fc.constantFrom<Fate>('lost', 'answer lost') },
  ),
  { maxLength: 12 },
);
/** The results of the calls of several runs, in order. */
const anyCutOffs = fc.array(anyFates, { maxLength: 6 });

const NUM_RUNS = Number(process.env.CONVERGENCE_RUNS ?? 600);

describe('plans that are applied, cut off and made again', () => {
  it('reach what the IdP wants, and the same state as without a cut-off', () => {
    const cutOffs = fc.array(anyCutOffs, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(anyForeign, anyPhases, cutOffs, (foreign, phases, cuts) => {
        const smooth = new World(foreign);
        const rough = new World(foreign);
        for (const [index, phase] of phases.entries()) {
          smooth.begin(phase);
          smooth.converge();
          rough.begin(phase);
          for (const fates of cuts[index]!) rough.runOnce(fates);
          rough.converge();
          rough.expectDesired();
          expect(rough.outcome()).toEqual(smooth.outcome());
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('reach what the IdP wants, also if that changes between two cut-offs', () => {
    fc.assert(
      fc.property(
        anyForeign,
        anyPhases.chain((phases) =>
          fc.tuple(...phases.map((phase) => fc.tuple(fc.constant(phase), anyCutOffs))),
        ),
        (foreign, phases) => {
          const world = new World(foreign);
          for (const [phase, cuts] of phases) {
            world.begin(phase);
            for (const fates of cuts) world.runOnce(fates);
          }
          world.converge();
          world.expectDesired();
        },
      ),
      { numRuns: NUM_RUNS },
    );
  });
});
