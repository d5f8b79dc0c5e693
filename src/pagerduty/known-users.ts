const KEPT_MS = 5 * 60_000;

interface KnownUser {
  userId: string;
  /** When the first call that returned the user began, by the monotonic clock. */
  askedAt: number;
}

/**
 * Recently found user ids by e-mail address, for one account. Only single matches are kept, because a missing user
 * may be created any minute. A large account takes some megabytes, so a timer frees entries that are too old.
 */
export class KnownUsers {
  private readonly byEmail = new Map<string, KnownUser>();
  private expiry: NodeJS.Timeout | null = null;

  get size(): number {
    return this.byEmail.size;
  }

  /** @returns the user id; null when PagerDuty was not asked within that time, or within five minutes */
  recall(email: string, maxAgeMs = KEPT_MS): string | null {
    const known = this.byEmail.get(email);
    if (known === undefined) return null;
    return performance.now() - known.askedAt < Math.min(maxAgeMs, KEPT_MS) ? known.userId : null;
  }

  /**
   * @param userIds by address; null when no user or several users have the address
   * @param askedAt when the first call that returned them began, by the monotonic clock
   */
  remember(userIds: ReadonlyMap<string, string | null>, askedAt: number): void {
    for (const [email, userId] of userIds) {
      // Two look-ups may overlap, and the one that began first may end last.
      if (askedAt < (this.byEmail.get(email)?.askedAt ?? 0)) continue;
      if (userId === null) this.byEmail.delete(email);
      else this.byEmail.set(email, { userId, askedAt });
    }
    if (this.byEmail.size > 0) this.expiry ??= expireLater(new WeakRef(this));
  }

  /** PagerDuty docs: a user who is deleted and created again has another id. */
  forget(userId: string): void {
    for (const [email, known] of this.byEmail) if (known.userId === userId) this.byEmail.delete(email);
  }

  /** Forgets users that PagerDuty now returns with another address. */
  forgetChanged(addresses: ReadonlyMap<string, string>): void {
    for (const [email, { userId }] of this.byEmail) {
      if ((addresses.get(userId) ?? email) !== email) this.byEmail.delete(email);
    }
  }

  expire(): void {
    this.expiry = null;
    const now = performance.now();
    for (const [email, { askedAt }] of this.byEmail) {
      if (now - askedAt >= KEPT_MS) this.byEmail.delete(email);
    }
    if (this.byEmail.size > 0) this.expiry = expireLater(new WeakRef(this));
  }
}

/**
 * A weak reference: otherwise the timer would keep the users of a deleted integration in memory until it fires.
 */
function expireLater(users: WeakRef<KnownUsers>): NodeJS.Timeout {
  return setTimeout(() => users.deref()?.expire(), KEPT_MS).unref();
}
