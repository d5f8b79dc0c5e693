import type { Pauses } from '../../database/keyset-slices';
import { RemovalHistory, WHOLE_TEAM, itemStates, joinTimes } from '../guard/removal-history';
import type { GuardPolicy } from '../../integrations/policies';
import type { Asked } from '../apply/known-target';
import {
  HELD,
  REJECTED,
  type RemovalCounts,
  atStartAmong,
  screenDeletion,
  screenRemovals,
} from '../plan/mass-change-guard';
import type { Obstacle } from '../plan/new-team';

interface Team {
  groupId: string;
  /** Empty when there is no team yet. */
  remoteGroupId: string;
}

interface Changes {
  joined: number;
  removed: Removed;
  /** Would be held, and are not recorded to be. */
  held: Removed;
}

/** Of whom so many were there at the window's start, of the team or of the integration. */
interface Removed {
  all: number;
  team: number;
  integration: number;
}

const NOBODY: Removed = { all: 0, team: 0, integration: 0 };
const NO_CHANGES: Changes = { joined: 0, removed: NOBODY, held: NOBODY };

/**
 * What the guard against mass changes would let through, if what is planned before were carried out. Nothing is
 * recorded.
 */
export class SupposedRemovals {
  private readonly changesOf = new Map<string, Changes>();
  private all = NO_CHANGES;
  private readonly history: RemovalHistory;
  /** Teams whose deletion would be sent or held. */
  private deleted = 0;

  constructor(
    private readonly db: Asked,
    pauses: Pauses,
    integrationId: string,
    private readonly policy: GuardPolicy,
  ) {
    this.history = new RemovalHistory(db, pauses, integrationId, policy);
  }

  /**
   * @param joined how many would have joined the team with the change that removes these
   * @returns those that would not go on, and why
   */
  async waiting(
    team: Team,
    remoteUserIds: readonly string[],
    joined: number,
  ): Promise<Map<string, Obstacle>> {
    const waiting = new Map<string, Obstacle>();
    const { groupId } = team;
    if (remoteUserIds.length > 0) {
      const states = await itemStates(this.db, groupId, remoteUserIds);
      const counts = { ...(await this.counts(team, remoteUserIds.length)), teamJoined: joined };
      const joinedAt = await joinTimes(this.db, team.remoteGroupId, remoteUserIds);
      const { allowed, held } = screenRemovals(this.policy, counts, states, remoteUserIds, joinedAt);
      const counted = (ids: readonly string[]): Removed => ({
        all: ids.length,
        ...atStartAmong(ids, joinedAt, counts.starts),
      });
      const goesOn = new Set(allowed);
      for (const id of remoteUserIds) {
        if (!goesOn.has(id)) waiting.set(id, states.get(id) === 'pinned' ? REJECTED : HELD);
      }
      this.note(groupId, { joined: 0, removed: counted(allowed), held: counted(held) });
    }
    this.note(groupId, { ...NO_CHANGES, joined });
    return waiting;
  }

  /** @returns why the team would not be let go, or null; one that was let through is not asked about again */
  async deletionWaiting(team: Team, letThrough: boolean): Promise<Obstacle | null> {
    if (letThrough) return null;
    const state = (await itemStates(this.db, team.groupId, [WHOLE_TEAM])).get(WHOLE_TEAM);
    const { obstacle } = await screenDeletion(this.policy, state, () => this.counts(team, 0));
    // What waits for an admin, or was approved by one, is counted already.
    if (state === undefined) this.deleted += 1;
    return obstacle;
  }

  /** As they would be after what is planned before. */
  private async counts(team: Team, removals: number): Promise<RemovalCounts> {
    const ofTeam = this.changesOf.get(team.groupId) ?? NO_CHANGES;
    const { all } = this;
    const counts = await this.history.counts(team, {
      removals: removals + all.removed.all + all.held.all,
      joined: 0,
    });
    return {
      ...counts,
      teamMembers: counts.teamMembers + ofTeam.joined - ofTeam.removed.all,
      teamRemoved: counts.teamRemoved + ofTeam.removed.all,
      teamWaiting: counts.teamWaiting + ofTeam.held.all,
      integrationMembers: counts.integrationMembers + all.joined - all.removed.all,
      integrationRemoved: counts.integrationRemoved + all.removed.all,
      integrationWaiting: counts.integrationWaiting + all.held.all,
      teamsDeleted: counts.teamsDeleted + this.deleted,
      atStart: {
        teamMembers: counts.atStart.teamMembers - ofTeam.removed.team,
        teamRemoved: counts.atStart.teamRemoved + ofTeam.removed.team,
        teamWaiting: counts.atStart.teamWaiting + ofTeam.held.team,
        integrationMembers: counts.atStart.integrationMembers - all.removed.integration,
        integrationRemoved: counts.atStart.integrationRemoved + all.removed.integration,
        integrationWaiting: counts.atStart.integrationWaiting + all.held.integration,
      },
    };
  }

  private note(groupId: string, more: Changes): void {
    this.all = added(this.all, more);
    this.changesOf.set(groupId, added(this.changesOf.get(groupId) ?? NO_CHANGES, more));
  }
}

function added(one: Changes, other: Changes): Changes {
  return {
    joined: one.joined + other.joined,
    removed: addedRemovals(one.removed, other.removed),
    held: addedRemovals(one.held, other.held),
  };
}

function addedRemovals(one: Removed, other: Removed): Removed {
  return {
    all: one.all + other.all,
    team: one.team + other.team,
    integration: one.integration + other.integration,
  };
}
