import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface NewToken {
  /** Shown once, never stored. */
  token: string;
  /** The readable start, which tells keys apart. */
  prefix: string;
  hash: string;
}

/** 256 random bits behind a prefix that secret scanners find: `scimify_admin_…`, `scimify_scim_…`. */
export function makeToken(kind: 'admin' | 'scim'): NewToken {
  const token = `scimify_${kind}_${randomBytes(32).toString('base64url')}`;
  const hash = hashToken(token);
  madeHere.add(hash);
  if (madeHere.size > REMEMBERED_TOKENS) madeHere.delete(madeHere.values().next().value!);
  return { token, prefix: tokenPrefix(token), hash };
}

const REMEMBERED_TOKENS = 1_000;
const madeHere = new Set<string>();

/** Whether this process made the token recently. A client may use it before a look-up finds it in the database. */
export function wasMadeHere(hash: string): boolean {
  return madeHere.has(hash);
}

function tokenPrefix(token: string): string {
  return token.slice(0, token.lastIndexOf('_', 14) + 7);
}

/** A token has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** In constant time, whatever the lengths. */
export function tokensEqual(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
