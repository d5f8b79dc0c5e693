import type {
  AddressesShown,
  CallContext,
  UserIdentity,
  UserMatch,
} from '../integrations/provider/integration-provider';
import type { PagerDutyClient } from './api/client';
import { SearchableList } from './api/searchable-list';
import { parseUser, type User } from './api/types';
import type { KnownUsers } from './known-users';

/** A few seconds of PagerDuty's 960 calls a minute. */
const SEARCHES_AT_ONCE = 50;

/** Finds PagerDuty's users by their login address. */
export class UserMatching {
  private readonly users: SearchableList<User>;

  constructor(
    client: PagerDutyClient,
    private readonly known: KnownUsers,
  ) {
    this.users = new SearchableList(client, {
      list: { operation: 'list_users', path: ['users'], collection: 'users', parseRow: parseUser },
      // The login address only: PagerDuty's search also finds names, and perhaps other contact addresses.
      keyOf: (user) => (user.email === null ? null : emailKey(user.email)),
    });
  }

  /** @param shown receives every user that a search or a scan returns */
  async resolve(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>> {
    const matches = new Map<string, UserMatch>();
    const unknown = new Map<string, string>();
    const recalled = new Map<string, string>();
    for (const identity of identities) {
      const email = emailOf(identity);
      if (email === null) continue;
      const userId = this.known.recall(email, identity.maxAgeMs);
      if (userId === null) {
        unknown.set(email, email);
        continue;
      }
      recalled.set(email, userId);
      matches.set(email, resolved(userId));
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
      this.known.forgetChanged(addresses);
      shown?.(addresses);
      // A cached user that now has another address is left out, so the caller asks again.
      for (const [email, userId] of recalled) {
        if (this.known.recall(email) !== userId) matches.delete(email);
      }
      const answered = [...unknown.keys()].filter((email) => !left.has(email));
      const told = answered.filter((email) => !refused.has(email));
      this.known.remember(singleMatches(told, rows), askedAt);
      for (const email of answered) {
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
}

/**
 * @returns user ids by address, for these and all found addresses; null unless exactly one user has the address
 */
function singleMatches(
  emails: readonly string[],
  usersByEmail: ReadonlyMap<string, readonly User[]>,
): Map<string, string | null> {
  const userIds = new Map<string, string | null>(emails.map((email) => [email, null]));
  for (const [email, [user, ...others]] of usersByEmail) {
    userIds.set(email, user !== undefined && others.length === 0 ? user.id : null);
  }
  return userIds;
}

const NO_ADDRESS: UserMatch = {
  kind: 'not-found',
  message:
    'The identity provider sends no usable e-mail address for this user, and PagerDuty finds users by address. Give the user an address, or set a remote link.',
};

/** PagerDuty keeps the case of an address and ignores it when comparing. */
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
      message: `No PagerDuty user has the login address ${email}. Create the PagerDuty user, correct the address, or set a remote link.`,
    };
  }
  if (users.length === 1) return resolved(user.id);
  return {
    kind: 'ambiguous',
    message: `${users.length} PagerDuty users have the login address ${email}: ${users.map((u) => u.id).join(', ')}. Set a remote link to the right one.`,
  };
}
