import type { SqlReader } from '../../database/transaction-runner';
import { chunksToRead } from '../../database/chunks';
import type { Pauses } from '../../database/keyset-slices';
import { isAskedFor } from '../apply/group-applier';
import { addedByUs, nextForPlaces } from '../apply/known-target';
import { CHUNK, MAX_RETRY_CHUNKS, type People, type PlannedGroup } from '../apply/people';
import { askedFor } from '../apply/user-resolution';
import { WHOLE_TEAM } from '../guard/recent-removals';
import { heldAfter } from '../guard/removal-history';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import {
  type KnownMember,
  type MemberPlan,
  type MemberPlanInput,
  leaversFromBefore,
  leavingDeletedGroup,
  noPlaceMessage,
  planMembers,
} from '../plan/member-plan';
import type { Obstacle } from '../plan/new-group';
import type { SupposedRemovals } from './supposed-removals';
import type { TargetLookUps } from './target-look-ups';
import type { GroupOutcome } from './group-dry-run';

/** As many due users as one look at a group processes. */
const RETRIED_AT_ONCE = MAX_RETRY_CHUNKS * CHUNK;
const WHENEVER_DUE = Number.MAX_SAFE_INTEGER;

/** The planned outcome for the members of one remote group. */
export interface MemberOutcomes {
  /** `userId` is one of the users that the remote user is added for. */
  add: { remoteUserId: string; userId: string }[];
  remove: string[];
  /** By remote user id: to be removed, but not now. */
  held: Map<string, Obstacle>;
  /** By user id. */
  unresolved: Map<string, Obstacle>;
}

/**
 * Plans the members of one remote group in chunks, in the same order as a run. The plan of a chunk counts as done
 * for the later chunks, although nothing is done.
 */
export class MemberDryRun {
  private readonly outcomes: MemberOutcomes = { add: [], remove: [], held: new Map(), unresolved: new Map() };
  private readonly known: Map<string, KnownMember | null>;
  private readonly settled = new Set<string>();
  private readonly remoteGroupId: string;
  /** Members that the database does not count yet, minus counted ones that would have left. */
  private joined: number;
  private left = 0;

  constructor(
    private readonly db: SqlReader,
    private readonly pauses: Pauses,
    private readonly people: People,
    private readonly lookUps: TargetLookUps,
    private readonly removals: SupposedRemovals,
    private readonly group: Pick<MemberPlanInput, 'unmanagedMembers'> & {
      integrationId: string;
      membersPerGroup: number;
    },
    private readonly team: GroupOutcome,
  ) {
    this.known = new Map(team.present);
    this.joined = team.present.size;
    this.remoteGroupId = team.view.remote?.id ?? '';
  }

  async plan(): Promise<MemberOutcomes> {
    if (this.team.members === 'release' || this.team.members === 'leavers') await this.planRelease();
    if (this.team.members === 'plan' || this.team.members === 'look-up') await this.compare();
    return this.outcomes;
  }

  private async planRelease(): Promise<void> {
    for (let after = ''; ;) {
      const chunk = await this.people.remoteMembersAfter(this.remoteGroupId, after, CHUNK);
      if (chunk.length === 0) return;
      const input = await this.people.planInput(this.plannedGroup(), [], chunk, undefined, this.pauses);
      const isRelease = this.team.members === 'release';
      if (isRelease) this.outcomes.remove.push(...(await addedByUs(this.db, this.remoteGroupId, chunk)));
      await this.noteRemovals(isRelease ? leaversFromBefore(input) : leavingDeletedGroup(input), input, []);
      await this.pause();
      after = chunk.at(-1)!;
    }
  }

  private async compare(): Promise<void> {
    const { groupId, change } = this.team.view;
    if (change?.whole || (await this.people.changedPairs(groupId, CHUNK)).length === CHUNK) {
      await this.stepPairs((after) => this.people.joiningPairs(groupId, CHUNK, after));
    }
    if (change?.whole) await this.compareMembers();
    await this.stepPairs((after) => this.people.changedPairs(groupId, CHUNK, after));
    if (change?.whole) await this.compareRemoteGroup();
    await this.step(await this.people.differingDue(groupId, Date.now(), RETRIED_AT_ONCE), []);
    // A run marks every remote group of a remote user that lost a link, for a comparison in the next run.
    await this.step([], [...this.lookUps.abandoned]);
    await this.step(await this.people.parkedDue(this.remoteGroupId, Date.now(), RETRIED_AT_ONCE), []);
    await this.step([], await this.people.callsDue(this.remoteGroupId, WHENEVER_DUE, RETRIED_AT_ONCE));
    await this.stepHeld();
    await this.fillFreedPlaces();
    await this.addParked();
  }

  private async stepPairs(pairsAfter: (after: string) => Promise<{ userId: string }[]>): Promise<void> {
    for (let after = ''; ;) {
      const userIds = (await pairsAfter(after)).map(({ userId }) => userId);
      if (userIds.length === 0) return;
      await this.step(userIds, []);
      after = userIds.at(-1)!;
    }
  }

  /** A run skips these until an admin decides; a plan has to show them. */
  private async stepHeld(): Promise<void> {
    for (let after: string = WHOLE_TEAM; ;) {
      const remoteUserIds = await heldAfter(this.db, this.team.view.groupId, after, CHUNK);
      if (remoteUserIds.length === 0) return;
      await this.step([], remoteUserIds);
      after = remoteUserIds.at(-1)!;
    }
  }

  private async compareMembers(): Promise<void> {
    for (let after = ''; ;) {
      const userIds = await this.people.membersAfter(this.team.view.groupId, after, CHUNK);
      if (userIds.length === 0) break;
      const refused = isAskedFor(this.team.view)
        ? new Set<string>()
        : await this.people.refusedAmong(this.remoteGroupId, userIds, Date.now());
      const compared = userIds.filter((userId) => !refused.has(userId));
      await this.step(compared, []);
      after = userIds.at(-1)!;
    }
  }

  private async compareRemoteGroup(): Promise<void> {
    for (let after = ''; ;) {
      const remoteUserIds = await this.people.remoteMembersAfter(this.remoteGroupId, after, CHUNK);
      if (remoteUserIds.length === 0) break;
      await this.step([], remoteUserIds);
      after = remoteUserIds.at(-1)!;
    }
  }

  /** Fills the places of members that leave: first the users that already wait, then new ones without a place. */
  private async fillFreedPlaces(): Promise<void> {
    if (this.left === 0) return;
    const waiting = await nextForPlaces(this.db, this.remoteGroupId, Math.min(this.left, RETRIED_AT_ONCE));
    const full = [...this.outcomes.unresolved].filter(([, { reason }]) => reason === GROUP_FULL);
    const next = new Set([...waiting, ...full.map(([userId]) => userId)]);
    await this.step([...next].slice(0, this.left), []);
  }

  /** Adds the waiting users that are not due yet. */
  private async addParked(): Promise<void> {
    for (let after = ''; ;) {
      const parked = await this.people.parkedAfter(this.remoteGroupId, after, CHUNK);
      if (parked.length === 0) return;
      for (const { userId, reason, message } of parked) {
        if (!this.settled.has(userId)) this.outcomes.unresolved.set(userId, { reason, message });
      }
      after = parked.at(-1)!.userId;
      await this.pause();
    }
  }

  private async step(userIds: readonly string[], remoteUserIds: readonly string[]): Promise<void> {
    for await (const some of chunksToRead(userIds, this.pauses)) await this.planSome(some, []);
    for await (const some of chunksToRead(remoteUserIds, this.pauses)) await this.planSome([], some);
  }

  private async pause(): Promise<void> {
    if (this.pauses.isOver) await this.pauses.next();
  }

  private async planSome(userIds: readonly string[], remoteUserIds: readonly string[]): Promise<void> {
    await this.lookUps.resolve(askedFor(userIds, this.team.view.change?.mark));
    await this.pause();
    const input = await this.people.planInput(
      this.plannedGroup(),
      userIds,
      remoteUserIds,
      this.lookUps.links,
      this.pauses,
    );
    await this.pause();
    const supposed = this.suppose(input);
    const plan = planMembers(supposed);
    this.notePeople(plan, supposed);
    await this.pause();
    if (this.team.members === 'plan') await this.noteCalls(plan, supposed);
    await this.pause();
  }

  /** The state after the earlier chunks. */
  private suppose(input: MemberPlanInput): MemberPlanInput {
    const known = new Map(input.known);
    const linked = input.people.flatMap(({ link }) => (link.kind === 'resolved' ? [link.remoteUserId] : []));
    for (const remoteUserId of [...input.remoteUserIds, ...linked]) {
      const member = this.known.get(remoteUserId);
      if (member) known.set(remoteUserId, member);
      else if (member === null) known.delete(remoteUserId);
    }
    return { ...input, known, room: input.room - this.joined };
  }

  private notePeople(plan: MemberPlan, { wanted }: MemberPlanInput): void {
    for (const userId of plan.unpark) {
      this.settled.add(userId);
      this.outcomes.unresolved.delete(userId);
    }
    const full = plan.full.flatMap((remoteUserId) => wanted.get(remoteUserId) ?? []);
    const message = noPlaceMessage(this.group.membersPerGroup);
    const waiting = [...plan.park, ...full.map((userId) => ({ userId, reason: GROUP_FULL, message }))];
    for (const { userId, reason, message } of waiting) {
      this.settled.add(userId);
      this.outcomes.unresolved.set(userId, { reason, message });
    }
  }

  private plannedGroup(): PlannedGroup {
    return { ...this.group, groupId: this.team.view.groupId, remoteGroupId: this.remoteGroupId };
  }

  private async noteCalls(plan: MemberPlan, input: MemberPlanInput): Promise<void> {
    const { known, wanted } = input;
    for (const remoteUserId of plan.add) {
      if (!known.has(remoteUserId)) this.joined += 1;
      this.known.set(remoteUserId, THERE);
      this.outcomes.add.push({ remoteUserId, userId: wanted.get(remoteUserId)![0]! });
    }
    const remove = plan.remove.map(({ remoteUserId }) => remoteUserId);
    await this.noteRemovals(remove, input, plan.add);
    for (const remoteUserId of plan.manage) this.known.set(remoteUserId, THERE);
  }

  private async noteRemovals(
    remove: readonly string[],
    { known }: MemberPlanInput,
    added: readonly string[],
  ): Promise<void> {
    const team = { groupId: this.team.view.groupId, remoteGroupId: this.remoteGroupId };
    // The guard does not check again a removal that it let through, nor one of a remote user that never was a
    // member.
    const fresh = remove.filter((remoteUserId) => known.get(remoteUserId)?.state === 'present');
    const held = await this.removals.waiting(team, fresh, added);
    for (const [remoteUserId, why] of held) this.outcomes.held.set(remoteUserId, why);
    for (const remoteUserId of remove) {
      if (held.has(remoteUserId)) continue;
      this.joined -= 1;
      this.left += 1;
      this.known.set(remoteUserId, null);
      this.outcomes.remove.push(remoteUserId);
    }
  }
}

const THERE: KnownMember = { state: 'present', managed: true, preexisting: false };
