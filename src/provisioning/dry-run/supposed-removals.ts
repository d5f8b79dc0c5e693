import type { Pauses } from '../../database/keyset-slices';
import { WHOLE_TEAM } from '../guard/recent-removals';
import {
  RemovalHistory,
  itemStates,
  joinTimes,
  membersHeldBy,
  takenOutAmong,
} from '../guard/removal-history';
import type { GuardPolicy } from '../../integrations/policies';
import type { SqlReader } from '../../database/transaction-runner';
import {
  HELD,
  REJECTED,
  type RemovalCounts,
  type WindowStarts,
  atStartAmong,
  screenDeletion,
  screenRemovals,
} from '../plan/mass-change-guard';
import type { Obstacle } from '../plan/new-group';

interface SupposedGroup {
  groupId: string;
  /** Empty while there is no remote group yet. */
  remoteGroupId: string;
}

interface Changes {
  /** Without the ones that come back. */
  joined: number;
  /** Removed within the window, and would be added again. */
  back: SupposedPeople;
  removed: SupposedPeople;
  /** Would be held, and are not recorded as held. */
  held: SupposedPeople;
}

/**
 * How many members in all, and how many of them were members of the group or the integration at the window's
 * start.
 */
interface SupposedPeople {
  all: number;
  team: number;
  integration: number;
}

const NO_PEOPLE: SupposedPeople = { all: 0, team: 0, integration: 0 };
const NO_CHANGES: Changes = { joined: 0, back: NO_PEOPLE, removed: NO_PEOPLE, held: NO_PEOPLE };

/** What the mass change guard would let through after everything planned before. Records nothing. */
export class SupposedRemovals {
  private readonly changesOf = new Map<string, Changes>();
  private all = NO_CHANGES;
  private readonly history: RemovalHistory;
  /** Remote groups whose deletion would be sent or held. */
  private deleted = 0;

  constructor(
    private readonly db: SqlReader,
    pauses: Pauses,
    integrationId: string,
    private readonly policy: GuardPolicy,
  ) {
    this.history = new RemovalHistory(db, pauses, integrationId, policy);
  }

  /**
   * @param added remote users that would join with the same change
   * @returns the removals that would not go on, and why
   */
  async waiting(
    team: SupposedGroup,
    remoteUserIds: readonly string[],
    added: readonly string[],
  ): Promise<Map<string, Obstacle>> {
    const waiting = new Map<string, Obstacle>();
    const { groupId, remoteGroupId } = team;
    const takenOut =
      added.length > 0 ? await takenOutAmong(this.db, remoteGroupId, added) : new Map<string, number>();
    const joined = added.length - takenOut.size;
    if (takenOut.size > 0) {
      const { starts } = await this.counts(team, 0);
      this.note(groupId, { ...NO_CHANGES, back: peopleAmong([...takenOut.keys()], takenOut, starts) });
    }
    if (remoteUserIds.length > 0) {
      const states = await itemStates(this.db, groupId, remoteUserIds);
      const counts = { ...(await this.counts(team, remoteUserIds.length)), teamJoined: joined };
      const joinedAt = await joinTimes(this.db, remoteGroupId, remoteUserIds);
      const { allowed, held } = screenRemovals(this.policy, counts, states, remoteUserIds, joinedAt);
      const counted = (ids: readonly string[]) => peopleAmong(ids, joinedAt, counts.starts);
      const goesOn = new Set(allowed);
      for (const id of remoteUserIds) {
        if (!goesOn.has(id)) waiting.set(id, states.get(id) === 'pinned' ? REJECTED : HELD);
      }
      this.note(groupId, { ...NO_CHANGES, removed: counted(allowed), held: counted(held) });
    }
    this.note(groupId, { ...NO_CHANGES, joined });
    return waiting;
  }

  /**
   * @returns why the remote group would not be released or deleted, or null; a deletion that was let through is
   * not checked again
   */
  async deletionWaiting(team: SupposedGroup, letThrough: boolean): Promise<Obstacle | null> {
    if (letThrough) return null;
    const state = (await itemStates(this.db, team.groupId, [WHOLE_TEAM])).get(WHOLE_TEAM);
    const { obstacle } = await screenDeletion(this.policy, state, async () => ({
      teamsDeleted: (await this.history.teamsDeleted()) + this.deleted,
      membersHeldBy: await membersHeldBy(this.db, team.groupId),
    }));
    // Held and approved deletions are already in the count.
    if (state === undefined) this.deleted += 1;
    return obstacle;
  }

  /** The counts after everything planned before. */
  private async counts(team: SupposedGroup, removals: number): Promise<RemovalCounts> {
    const ofTeam = this.changesOf.get(team.groupId) ?? NO_CHANGES;
    const { all } = this;
    const counts = await this.history.counts(team, {
      removals: removals + all.removed.all + all.held.all,
      joined: 0,
    });
    const { atStart } = counts;
    return {
      ...counts,
      teamMembers: counts.teamMembers + ofTeam.joined + ofTeam.back.all - ofTeam.removed.all,
      teamRemoved: counts.teamRemoved + ofTeam.removed.all - ofTeam.back.all,
      teamWaiting: counts.teamWaiting + ofTeam.held.all,
      integrationMembers: counts.integrationMembers + all.joined + all.back.all - all.removed.all,
      integrationRemoved: counts.integrationRemoved + all.removed.all - all.back.all,
      integrationWaiting: counts.integrationWaiting + all.held.all,
      atStart: {
        teamMembers: atStart.teamMembers + ofTeam.back.team - ofTeam.removed.team,
        teamRemoved: atStart.teamRemoved + ofTeam.removed.team - ofTeam.back.team,
        teamWaiting: atStart.teamWaiting + ofTeam.held.team,
        integrationMembers: atStart.integrationMembers + all.back.integration - all.removed.integration,
        integrationRemoved: atStart.integrationRemoved + all.removed.integration - all.back.integration,
        integrationWaiting: atStart.integrationWaiting + all.held.integration,
      },
    };
  }

  private note(groupId: string, more: Changes): void {
    this.all = added(this.all, more);
    this.changesOf.set(groupId, added(this.changesOf.get(groupId) ?? NO_CHANGES, more));
  }
}

function peopleAmong(
  ids: readonly string[],
  joinedAt: ReadonlyMap<string, number>,
  starts: WindowStarts,
): SupposedPeople {
  return { all: ids.length, ...atStartAmong(ids, joinedAt, starts) };
}

function added(one: Changes, other: Changes): Changes {
  return {
    joined: one.joined + other.joined,
    back: addedPeople(one.back, other.back),
    removed: addedPeople(one.removed, other.removed),
    held: addedPeople(one.held, other.held),
  };
}

function addedPeople(one: SupposedPeople, other: SupposedPeople): SupposedPeople {
  return {
    all: one.all + other.all,
    team: one.team + other.team,
    integration: one.integration + other.integration,
  };
}
