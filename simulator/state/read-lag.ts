import type { TeamRecord, TeamRole } from './records';

type Change = { readonly at: number; readonly teamId: string } & (
  | { readonly what: 'member'; readonly userId: string; readonly before: TeamRole | undefined }
  | { readonly what: 'fields'; readonly name: string; readonly description: string | null }
);

/** The part of a team that can lag in reads. */
export interface TeamAsRead {
  readonly name: string;
  readonly description: string | null;
}

/**
 * Makes reads show the state of `milliseconds` ago. PagerDuty's reads of members lag behind its writes (Terraform's
 * provider repeats them for up to two minutes), so a client must not verify a write with a read.
 */
export class ReadLag {
  private milliseconds = 0;
  private changes: Change[] = [];

  set(milliseconds: number): void {
    this.milliseconds = milliseconds;
    if (milliseconds === 0) this.changes = [];
  }

  memberWillChange(teamId: string, userId: string, before: TeamRole | undefined): void {
    this.record({ at: Date.now(), teamId, what: 'member', userId, before });
  }

  fieldsWillChange(team: TeamRecord): void {
    this.record({
      at: Date.now(),
      teamId: team.id,
      what: 'fields',
      name: team.name,
      description: team.description,
    });
  }

  members(team: TeamRecord): ReadonlyMap<string, TeamRole> {
    const unseen = this.unseen((change) => change.teamId === team.id);
    if (unseen.length === 0) return team.members;
    const members = new Map(team.members);
    for (const change of unseen) {
      if (change.what !== 'member') continue;
      if (change.before === undefined) members.delete(change.userId);
      else members.set(change.userId, change.before);
    }
    return members;
  }

  teamIdsOf(userId: string, teamIds: ReadonlySet<string>): ReadonlySet<string> {
    const unseen = this.unseen((change) => change.what === 'member' && change.userId === userId);
    if (unseen.length === 0) return teamIds;
    const read = new Set(teamIds);
    for (const change of unseen) {
      if (change.what !== 'member') continue;
      if (change.before === undefined) read.delete(change.teamId);
      else read.add(change.teamId);
    }
    return read;
  }

  fields(team: TeamRecord): TeamAsRead {
    const unseen = this.unseen((change) => change.what === 'fields' && change.teamId === team.id);
    const oldest = unseen.at(-1);
    return oldest?.what === 'fields' ? oldest : team;
  }

  private record(change: Change): void {
    if (this.milliseconds === 0) return;
    const seen = change.at - this.milliseconds;
    while (this.changes[0] && this.changes[0].at <= seen) this.changes.shift();
    this.changes.push(change);
  }

  /** Newest first: undoing them one by one ends at the oldest value. */
  private unseen(concerns: (change: Change) => boolean): Change[] {
    if (this.changes.length === 0) return [];
    const seen = Date.now() - this.milliseconds;
    return this.changes.filter((change) => change.at > seen && concerns(change)).reverse();
  }
}
