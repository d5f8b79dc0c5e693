import { randomBytes, randomUUID } from 'node:crypto';
import type { Account } from './account';
import { IdentifierSequence } from './identifiers';
import { StateError } from './records';

interface KeyBase {
  readonly id: string;
  readonly secret: string;
  readonly account: Account;
  readonly readOnly: boolean;
  disabled: boolean;
}

/** A "general access" key. It acts as the account. */
export interface AccountKey extends KeyBase {
  readonly kind: 'account';
}

/** Acts as one user, sees what that user sees, and is deleted with the user. */
export interface UserKey extends KeyBase {
  readonly kind: 'user';
  readonly userId: string;
}

export type ApiKey = AccountKey | UserKey;

export interface OAuthClient {
  readonly clientId: string;
  clientSecret: string;
  readonly account: Account;
  scopes: readonly string[];
  /** Respond with 400 to a scope that the app lacks, instead of a token without it. Both were recorded. */
  readonly refuseUnallowedScopes: boolean;
}

/** An app's access token, with the scopes it was issued with. */
export interface AppToken {
  readonly kind: 'app';
  /** The client's id: the app, not the single token. */
  readonly id: string;
  readonly account: Account;
  /** As in the token response, separated by spaces. */
  readonly scope: string;
  readonly scopes: ReadonlySet<string>;
  readonly expiresAt: number;
}

export type Caller = ApiKey | AppToken;

export function isLive(caller: Caller): boolean {
  switch (caller.kind) {
    case 'app':
      return caller.expiresAt > Date.now();
    case 'account':
      return !caller.disabled;
    case 'user':
      return !caller.disabled && caller.account.users.has(caller.userId);
  }
}

/** Calls with the same bucket share a rate limit, as PagerDuty's docs on rate limits say. */
export function rateLimitBucket(caller: Caller): string {
  switch (caller.kind) {
    case 'app':
      return `app ${caller.id} in ${caller.account.identity}`;
    case 'account':
      return `key ${caller.id}`;
    case 'user':
      return `user ${caller.userId} of ${caller.account.identity}`;
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/** REST keys have 20 characters. Nothing else about their form is documented. */
function newKey(): string {
  return Array.from(randomBytes(20), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

const MOST_TOKENS = 10_000;

/** API keys, OAuth clients and tokens of all accounts, because the credential of a request decides the account. */
export class Credentials {
  private readonly keys = new Map<string, ApiKey>();
  private readonly clients = new Map<string, OAuthClient>();
  private readonly tokens = new Map<string, AppToken>();
  private readonly keyIds = new IdentifierSequence(3);

  addKey(
    account: Account,
    options: { kind: 'account' | 'user'; readOnly: boolean; userId?: string; key?: string },
  ): ApiKey {
    const secret = options.key ?? newKey();
    if (!/^[\x21-\x7e]+$/.test(secret))
      throw new StateError('invalid', 'key: must be printable ASCII without spaces');
    if (this.keys.has(secret)) throw new StateError('invalid', 'key: exists already');
    const base = { id: this.keyIds.next(), secret, account, readOnly: options.readOnly, disabled: false };
    let key: ApiKey;
    if (options.kind === 'user') {
      if (options.userId === undefined) throw new StateError('invalid', 'userId: needed for a user key');
      key = { ...base, kind: 'user', userId: account.requireUser(options.userId).id };
    } else {
      if (options.userId !== undefined) throw new StateError('invalid', 'userId: only for a user key');
      key = { ...base, kind: 'account' };
    }
    this.keys.set(secret, key);
    return key;
  }

  /** @param keyOrId the key itself or its id */
  key(keyOrId: string): ApiKey {
    const key = this.keys.get(keyOrId) ?? [...this.keys.values()].find(({ id }) => id === keyOrId);
    if (!key) throw new StateError('unknown', 'no such API key');
    return key;
  }

  keysOf(account: Account): ApiKey[] {
    return [...this.keys.values()].filter((key) => key.account === account);
  }

  removeKey(keyOrId: string): void {
    this.keys.delete(this.key(keyOrId).secret);
  }

  keyBySecret(secret: string): ApiKey | undefined {
    return this.keys.get(secret);
  }

  addClient(
    account: Account,
    options: {
      clientId?: string;
      clientSecret?: string;
      scopes: readonly string[];
      refuseUnallowedScopes: boolean;
    },
  ): OAuthClient {
    const clientId = options.clientId ?? randomUUID();
    if (this.clients.has(clientId)) throw new StateError('invalid', 'clientId: exists already');
    const client: OAuthClient = {
      clientId,
      clientSecret: options.clientSecret ?? randomBytes(32).toString('base64url'),
      account,
      scopes: [...options.scopes],
      refuseUnallowedScopes: options.refuseUnallowedScopes,
    };
    this.clients.set(clientId, client);
    return client;
  }

  client(clientId: string): OAuthClient {
    const client = this.clients.get(clientId);
    if (!client) throw new StateError('unknown', 'no such OAuth client');
    return client;
  }

  findClient(clientId: string): OAuthClient | undefined {
    return this.clients.get(clientId);
  }

  clientsOf(account: Account): OAuthClient[] {
    return [...this.clients.values()].filter((client) => client.account === account);
  }

  /** Its tokens stay valid: PagerDuty's docs say that deleting a client does not revoke them. */
  removeClient(clientId: string): void {
    this.client(clientId);
    this.clients.delete(clientId);
  }

  mint(client: OAuthClient, granted: readonly string[], lifetimeSeconds: number): string {
    if (this.tokens.size >= MOST_TOKENS) this.forgetExpired();
    const token = `pd${client.account.region}+_0XSIMUL_${randomUUID()}`;
    this.tokens.set(token, {
      kind: 'app',
      id: client.clientId,
      account: client.account,
      scope: granted.join(' '),
      scopes: new Set(granted),
      expiresAt: Date.now() + lifetimeSeconds * 1000,
    });
    return token;
  }

  tokenBySecret(token: string): AppToken | undefined {
    return this.tokens.get(token);
  }

  revokeTokens(clientId: string): number {
    let revoked = 0;
    for (const [secret, token] of this.tokens) {
      if (token.id === clientId) {
        this.tokens.delete(secret);
        revoked += 1;
      }
    }
    return revoked;
  }

  /** Removes all tokens, and all credentials of other accounts. */
  keepOnly(account: Account): void {
    this.tokens.clear();
    for (const [secret, key] of this.keys) {
      if (key.account !== account || key.kind === 'user') this.keys.delete(secret);
    }
    for (const [clientId, client] of this.clients) {
      if (client.account !== account) this.clients.delete(clientId);
    }
  }

  private forgetExpired(): void {
    const now = Date.now();
    for (const [secret, token] of this.tokens) if (token.expiresAt <= now) this.tokens.delete(secret);
  }
}
