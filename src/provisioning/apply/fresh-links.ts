import type { Person } from '../plan/member-plan';

/** Unrecorded links of a recent look-up. They replace the recorded ones. */
export class FreshLinks {
  private readonly linkOf = new Map<string, Person['link']>();
  private readonly usersOf = new Map<string, string[]>();

  /** @param userId of an active user, looked up once */
  add(userId: string, link: Person['link']): void {
    this.linkOf.set(userId, link);
    if (link.kind !== 'resolved') return;
    const users = this.usersOf.get(link.remoteUserId);
    if (users) users.push(userId);
    else this.usersOf.set(link.remoteUserId, [userId]);
  }

  of(userId: string): Person['link'] | undefined {
    return this.linkOf.get(userId);
  }

  has(userId: string): boolean {
    return this.linkOf.has(userId);
  }

  /** Users that these links connect to one of these remote users. */
  to(remoteUserIds: readonly string[]): { userId: string; remoteUserId: string }[] {
    return remoteUserIds.flatMap((remoteUserId) =>
      (this.usersOf.get(remoteUserId) ?? []).map((userId) => ({ userId, remoteUserId })),
    );
  }
}

export const NO_FRESH_LINKS = new FreshLinks();
