const KEPT_MS = 5 * 60_000;

interface Known {
  userId: string;
  /** When the first call was made that showed them, by the monotonic clock. */
  askedAt: number;
}

/**
 * Whom an address meant a moment ago, in one account: only single matches, for somebody who is missing may be created any
 * minute. Of a large account it is some megabytes, so it is given back as soon as it is too old to be used, asked or not.
 */
export class KnownUsers {
  private readonly byEmail = new Map<string, Known>();
  private expiry: NodeJS.Timeout | null = null;

  get size(): number {
    return this.byEmail.size;
  }

  /** @returns the user's id; null where the target was not asked within that time, or within five minutes */
  recall(email: string, maxAgeMs = KEPT_MS): string | null {
    const known = this.byEmail.get(email);
    if (known === undefined) return null;
    return performance.now() - known.askedAt < Math.min(maxAgeMs, KEPT_MS) ? known.userId : null;
  }

  /**
   * @param userIds by address; null where the address meant nobody, or several
   * @param askedAt when the first call was made that showed them, by the monotonic clock
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

  /** PagerDuty docs: somebody deleted and created again has another id. */
  forget(userId: string): void {
    for (const [email, known] of this.byEmail) if (known.userId === userId) this.byEmail.delete(email);
  }

  /** Whom an address meant is known no more once they are shown with another one. */
  saw(addresses: ReadonlyMap<string, string>): void {
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

/** Weakly: a timer that holds them would keep those of a deleted integration in memory until it goes off. */
function expireLater(users: WeakRef<KnownUsers>): NodeJS.Timeout {
  return setTimeout(() => users.deref()?.expire(), KEPT_MS).unref();
}
