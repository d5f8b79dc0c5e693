import type {
  AddressesShown,
  CallContext,
  UserIdentity,
  UserMatch,
} from '../integrations/provider/integration-provider';
import type { PagerDutyClient } from './api/client';
import { SearchableList } from './api/searchable-list';
import { parseUser, type User } from './api/types';

const KEPT_MS = 5 * 60_000;
/** Some seconds' worth of PagerDuty's 960 calls a minute. */
const SEARCHES_AT_ONCE = 50;

/** Finds PagerDuty's users by their login address. */
export class UserMatching {
  private readonly users: SearchableList<User>;
  /** Only single matches: somebody who is missing may be created any minute, and is asked for again. */
  private readonly known = new Map<string, { userId: string; askedAt: number }>();

  constructor(client: PagerDutyClient) {
    this.users = new SearchableList(client, {
      list: { operation: 'list_users', path: ['users'], collection: 'users', parseRow: parseUser },
      // The login address only: PagerDuty's search also finds names, and perhaps other contact addresses.
      keyOf: (user) => (user.email === null ? null : emailKey(user.email)),
    });
  }

  /** @param shown told of everybody whom a search or a scan shows */
  async resolve(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>> {
    const matches = new Map<string, UserMatch>();
    const unknown = new Map<string, string>();
    for (const identity of identities) {
      const email = emailOf(identity);
      if (email === null) continue;
      const userId = this.recall(email, identity.maxAgeMs);
      if (userId === null) unknown.set(email, email);
      else matches.set(email, resolved(userId));
    }
    if (unknown.size > 0) {
      const askedAt = performance.now();
      const addresses = new Map<string, string>();
      const { rows, refused, left } = await this.users.findSome(
        unknown,
        SEARCHES_AT_ONCE,
        context,
        ({ id, email }) => {
          if (email !== null) addresses.set(id, emailKey(email));
        },
      );
      this.saw(addresses);
      shown?.(addresses);
      this.remember(rows, askedAt);
      for (const email of unknown.keys()) {
        if (left.has(email)) continue;
        const error = refused.get(email);
        matches.set(email, error ? { kind: 'refused', error } : matchOf(email, rows.get(email) ?? []));
      }
    }
    return new Map(
      identities.flatMap((identity) => {
        const email = emailOf(identity);
        const match = email === null ? NO_ADDRESS : matches.get(email);
        return match === undefined ? [] : [[identity.key, match] as const];
      }),
    );
  }

  /** PagerDuty docs: somebody deleted and created again has another id. */
  forget(userId: string): void {
    for (const [email, entry] of this.known) {
      if (entry.userId === userId) this.known.delete(email);
    }
  }

  /** Whom an address meant is known no more once they are shown with another one. */
  saw(addresses: ReadonlyMap<string, string>): void {
    for (const [email, { userId }] of this.known) {
      if ((addresses.get(userId) ?? email) !== email) this.known.delete(email);
    }
  }

  /** @param askedAt when the first call was made that showed them, by the monotonic clock */
  private remember(usersByEmail: ReadonlyMap<string, readonly User[]>, askedAt: number): void {
    for (const [email, entry] of this.known) {
      if (askedAt - entry.askedAt > KEPT_MS) this.known.delete(email);
    }
    for (const [email, [user, ...others]] of usersByEmail) {
      // Two look-ups may overlap, and the one that began first may end last.
      if (user === undefined || others.length > 0 || askedAt < (this.known.get(email)?.askedAt ?? 0))
        continue;
      this.known.set(email, { userId: user.id, askedAt });
    }
  }

  private recall(email: string, maxAgeMs = KEPT_MS): string | null {
    const entry = this.known.get(email);
    if (entry === undefined) return null;
    return performance.now() - entry.askedAt < Math.min(maxAgeMs, KEPT_MS) ? entry.userId : null;
  }
}

const NO_ADDRESS: UserMatch = {
  kind: 'not-found',
  message:
    'The identity provider gives no usable e-mail address for this person; PagerDuty knows people by theirs. Give the person one, or set a remote link.',
};

/** Addresses keep the case they were entered with, and PagerDuty compares them without it. */
export function emailKey(email: string): string {
  return email.normalize('NFC').trim().toLowerCase();
}

function emailOf(identity: UserIdentity): string | null {
  const email = emailKey(identity.email ?? identity.userName);
  return /^\S+@\S+$/.test(email) ? email : null;
}

function resolved(remoteUserId: string): UserMatch {
  return { kind: 'resolved', remoteUserId };
}

function matchOf(email: string, users: readonly User[]): UserMatch {
  const [user] = users;
  if (user === undefined) {
    return {
      kind: 'not-found',
      message: `No PagerDuty user has the login address ${email}. Make the account in PagerDuty, correct the address, or set a remote link.`,
    };
  }
  if (users.length === 1) return resolved(user.id);
  return {
    kind: 'ambiguous',
    message: `${users.length} PagerDuty users have the login address ${email}: ${users.map((u) => u.id).join(', ')}. Say by a remote link who is meant.`,
  };
}
