import type { Call } from '../../../simulator/simulator';

/** A manual change in PagerDuty, right after the call with this number. */
export type HandMadeEdit = { afterSeq: number; teamId: string } & (
  { kind: 'add' | 'remove'; userId: string } | { kind: 'rename'; name: string }
);

export interface Events {
  edits: readonly HandMadeEdit[];
  /** The last call before each kill. */
  kills: readonly number[];
  /** The last call before each requested reconciliation. */
  reconciliations: readonly number[];
  /** Ids of faults that fail a call after its effect. */
  effectiveFaults: ReadonlySet<string>;
}

export interface Verdict {
  necessary: boolean;
  /** The kind of call, for statistics. */
  kind: string;
  call: Call;
}

/** This many calls run in parallel, so a kill interrupts at most this many. */
const PARALLEL_CALLS = 4;
/** Before this time, reads do not prove a write: PagerDuty's reads lag, and a call without response can arrive late. */
const UNCLEAR_FOR_MS = 120_000;
const MEMBER = /^\/teams\/(\w+)\/users\/(\w+)$/;
const MEMBERS = /^\/teams\/(\w+)\/members\?/;
const TEAM = /^\/teams\/(\w+)$/;

/**
 * Decides for each call to PagerDuty whether it was needed. It follows the state of PagerDuty through the call log.
 *
 * | call                       | needed if                                                                          |
 * | -------------------------- | ---------------------------------------------------------------------------------- |
 * | any                        | the last equal call ended unclear: a fault, a lost response, or a kill             |
 * | any write                  | it changes something (or would have without its fault)                             |
 * | account                    | it is the first                                                                    |
 * | people (page or search)    | it is the first of its kind in this process, which loses all reads when it ends    |
 * | names (page or search)     | it resolves an unclear creation, or a team is created because of its result        |
 * | one team, one user         | PagerDuty has just answered 404 for one of the two                                 |
 * | members of a team          | a write of one of them ended unclear at least two minutes ago                      |
 * | snapshot (page)            | it is the first of its kind since the request for a reconciliation                 |
 * | anything else              | never                                                                              |
 *
 * A call with a fault is judged like any other: an unclear response makes the next equal call needed, not this one.
 */
export class CallJudge {
  /** Team id → its members after the calls and edits so far. */
  readonly members = new Map<string, Set<string>>();
  readonly verdicts: Verdict[] = [];
  private readonly names = new Map<string, string>();
  private readonly created = new Set<string>();
  private readonly unclear = new Set<string>();
  private readonly unclearCreations = new Set<string>();
  private readonly seen = new Set<string>();
  private readonly notFound = new Set<string>();
  /** Team id → user id → time of the last write, for pairs with an unclear write, until the team's members are read. */
  private readonly unclearPairs = new Map<string, Map<string, number>>();
  private readonly cutOff: ReadonlySet<number>;

  constructor(
    private readonly calls: readonly Call[],
    private readonly events: Events,
  ) {
    this.cutOff = new Set(
      events.kills.flatMap((kill) =>
        calls
          .filter(({ seq }) => seq <= kill)
          .slice(-PARALLEL_CALLS)
          .map(({ seq }) => seq),
      ),
    );
    const edits = [...events.edits];
    for (const [index, call] of calls.entries()) {
      while (edits[0] && edits[0].afterSeq < call.seq) this.edit(edits.shift()!);
      this.forgetReads(call);
      this.judge(call, index);
    }
    for (const edit of edits) this.edit(edit);
  }

  get wasted(): Verdict[] {
    return this.verdicts.filter(({ necessary }) => !necessary);
  }

  private edit(edit: HandMadeEdit): void {
    if (edit.kind === 'rename') this.names.set(edit.teamId, edit.name);
    if (edit.kind === 'add') this.membersOf(edit.teamId).add(edit.userId);
    if (edit.kind === 'remove') this.membersOf(edit.teamId).delete(edit.userId);
  }

  /** A new process has lost what the last one read, and a reconciliation must read everything again. */
  private forgetReads({ seq }: Call): void {
    const previous = this.verdicts.at(-1)?.call.seq ?? 0;
    const since = (event: number) => previous <= event && event < seq;
    if (this.events.kills.some(since)) this.forget(/^GET \/users\?/);
    if (this.events.reconciliations.some(since)) this.forget(/^GET \/(users|teams)\?/);
  }

  private forget(likes: RegExp): void {
    for (const like of this.seen) if (likes.test(like)) this.seen.delete(like);
  }

  private judge(call: Call, index: number): void {
    const like = likeOf(call);
    const needed = call.method === 'GET' ? this.readIsNeeded(call, like, index) : this.write(call);
    const necessary = needed || this.unclear.has(like);
    this.verdicts.push({ necessary, kind: kindOf(call), call });
    const isUnclear = call.faulted !== undefined || call.status === null || this.cutOff.has(call.seq);
    this.notePair(call, isUnclear);
    if (isUnclear) {
      this.unclear.add(like);
      if (isCreation(call)) this.unclearCreations.add(nameIn(call));
    } else {
      this.unclear.delete(like);
      this.seen.add(like);
      if (isCreation(call)) this.unclearCreations.delete(nameIn(call));
    }
  }

  private readIsNeeded(call: Call, like: string, index: number): boolean {
    switch (kindOf(call)) {
      case 'account':
      case 'people':
      case 'snapshot':
        return !this.seen.has(like);
      case 'names':
        return (
          this.settlesCreation(call) || this.leadsToCreation(call, index) || this.isOfReconciliation(call)
        );
      case 'members':
        return this.makesSureOfPairs(call);
      case 'one team':
      case 'one user':
        return this.notFound.delete(call.path.split('/')[2]!);
      default:
        return false;
    }
  }

  private notePair(call: Call, isUnclear: boolean): void {
    const [, teamId, userId] = call.path.match(MEMBER) ?? [];
    if (teamId === undefined || userId === undefined) return;
    const pairs = this.unclearPairs.get(teamId) ?? new Map<string, number>();
    this.unclearPairs.set(teamId, pairs);
    if (isUnclear || pairs.has(userId)) pairs.set(userId, call.at);
  }

  private makesSureOfPairs(call: Call): boolean {
    const pairs = this.unclearPairs.get(call.path.match(MEMBERS)![1]!) ?? new Map<string, number>();
    const due = [...pairs].filter(([, writtenAt]) => writtenAt <= call.at - UNCLEAR_FOR_MS);
    if (call.faulted === undefined) for (const [userId] of due) pairs.delete(userId);
    return due.length > 0;
  }

  private settlesCreation(call: Call): boolean {
    const name = searchedName(call);
    if (name === null) return false;
    const settles = this.unclearCreations.has(name);
    if (call.faulted === undefined) this.unclearCreations.delete(name);
    return settles;
  }

  private leadsToCreation(call: Call, index: number): boolean {
    const name = searchedName(call);
    for (const later of this.calls.slice(index + 1)) {
      if (isCreation(later) && (name === null || nameIn(later) === name)) return true;
      if (likeOf(later) === likeOf(call)) return false;
    }
    return false;
  }

  private isOfReconciliation(call: Call): boolean {
    return this.events.reconciliations.some((asked) => asked < call.seq) && !this.seen.has(likeOf(call));
  }

  /** @returns whether it changes anything, or would have without its fault */
  private write(call: Call): boolean {
    const change = this.changeOf(call);
    if (call.status === 404) for (const id of call.path.match(MEMBER)?.slice(1) ?? []) this.notFound.add(id);
    if (!change) return false;
    const hadEffect =
      call.faulted === undefined
        ? call.status !== null && call.status < 300
        : this.events.effectiveFaults.has(call.faulted);
    if (hadEffect) change();
    return true;
  }

  private changeOf(call: Call): (() => void) | null {
    if (isCreation(call)) {
      const name = nameIn(call);
      return this.created.has(name) ? null : () => this.created.add(name);
    }
    const [, memberOf, userId] = call.path.match(MEMBER) ?? [];
    if (memberOf !== undefined && userId !== undefined) {
      const members = this.membersOf(memberOf);
      if (members.has(userId) === (call.method === 'PUT')) return null;
      return () => (call.method === 'PUT' ? members.add(userId) : members.delete(userId));
    }
    const [, teamId] = call.path.match(TEAM) ?? [];
    // A team without a manual rename has its group's name.
    if (teamId === undefined || call.method !== 'PUT' || !this.names.has(teamId)) return null;
    return this.names.get(teamId) === nameIn(call) ? null : () => this.names.set(teamId, nameIn(call));
  }

  private membersOf(teamId: string): Set<string> {
    const members = this.members.get(teamId) ?? new Set();
    this.members.set(teamId, members);
    return members;
  }
}

function likeOf(call: Call): string {
  return `${call.method} ${call.path}${isCreation(call) ? ` ${nameIn(call)}` : ''}`;
}

function isCreation({ method, path }: Call): boolean {
  return method === 'POST' && path === '/teams';
}

function nameIn({ requestBody }: Call): string {
  return (requestBody as { team: { name: string } }).team.name;
}

/** Null for a page of all teams. */
function searchedName({ path }: Call): string | null {
  return new URLSearchParams(path.split('?')[1]).get('query');
}

function kindOf({ method, path }: Call): string {
  if (method !== 'GET') return `${method} ${path.replace(/\b[A-Z0-9]{7,}\b/g, '…')}`;
  if (path === '/teams?limit=1' || path === '/users?limit=1') return 'account';
  if (path.startsWith('/users?')) return path.includes('include') ? 'snapshot' : 'people';
  if (path.startsWith('/teams?')) return 'names';
  if (MEMBERS.test(path)) return 'members';
  if (TEAM.test(path)) return 'one team';
  if (/^\/users\/\w+$/.test(path)) return 'one user';
  return path;
}
