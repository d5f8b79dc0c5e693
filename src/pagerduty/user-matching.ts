import type { CallContext, UserIdentity, UserMatch } from '../integrations/provider/integration-provider';
import type { PagerDutyClient } from './api/client';
import { SearchableList } from './api/searchable-list';
import { parseUser, type User } from './api/types';

const KEPT_MS = 5 * 60_000;

/** Finds PagerDuty's users by their login address. */
export class UserMatching {
  private readonly users: SearchableList<User>;
  /** Only single matches: somebody who is missing may be created any minute, and is asked for again. */
  private readonly known = new Map<string, { userId: string; readAt: number }>();

  constructor(client: PagerDutyClient) {
    this.users = new SearchableList(client, {
      list: { operation: 'list_users', path: ['users'], collection: 'users', parseRow: parseUser },
      // The login address only: PagerDuty's search also finds names, and perhaps other contact addresses.
      keyOf: (user) => (user.email === null ? null : emailKey(user.email)),
    });
  }

  async resolve(identities: readonly UserIdentity[], context: CallContext): Promise<Map<string, UserMatch>> {
    const matches = new Map<string, UserMatch>();
    const unknown = new Map<string, string>();
    for (const email of identities.map(emailOf).filter((email) => email !== null)) {
      const userId = this.recall(email);
      if (userId === null) unknown.set(email, email);
      else matches.set(email, resolved(userId));
    }
    if (unknown.size > 0) {
      const found = await this.users.find(unknown, context);
      this.remember(found);
      for (const email of unknown.keys()) matches.set(email, matchOf(email, found.get(email) ?? []));
    }
    return new Map(
      identities.map((identity) => {
        const email = emailOf(identity);
        return [identity.key, (email === null ? null : matches.get(email)) ?? NO_ADDRESS];
      }),
    );
  }

  /** PagerDuty docs: somebody deleted and created again has another id. */
  forget(userId: string): void {
    for (const [email, entry] of this.known) {
      if (entry.userId === userId) this.known.delete(email);
    }
  }

  private remember(usersByEmail: ReadonlyMap<string, readonly User[]>): void {
    const readAt = Date.now();
    for (const [email, entry] of this.known) {
      if (readAt - entry.readAt > KEPT_MS) this.known.delete(email);
    }
    for (const [email, [user, ...others]] of usersByEmail) {
      if (user !== undefined && others.length === 0) this.known.set(email, { userId: user.id, readAt });
    }
  }

  private recall(email: string): string | null {
    const entry = this.known.get(email);
    return entry !== undefined && Date.now() - entry.readAt <= KEPT_MS ? entry.userId : null;
  }
}

const NO_ADDRESS: UserMatch = {
  kind: 'not-found',
  message:
    'The identity provider gives no usable e-mail address for this person; PagerDuty knows people by theirs.',
};

/** Addresses keep the case they were entered with, and PagerDuty compares them without it. */
function emailKey(email: string): string {
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
    return { kind: 'not-found', message: `No PagerDuty user has the login address ${email}.` };
  }
  if (users.length === 1) return resolved(user.id);
  return {
    kind: 'ambiguous',
    message: `${users.length} PagerDuty users have the login address ${email}: ${users.map((u) => u.id).join(', ')}.`,
  };
}
