import type { RunContext } from './run-context';
import type { AskedFor, UserResolution } from './user-resolution';

/**
 * Applies users that are known before any look-up, and then the result of every few look-ups before the next ones.
 *
 * @param chunks the users; called again for each pass
 * @param apply gets users of one chunk with all available look-ups done
 */
export async function knownFirst(
  users: UserResolution,
  run: RunContext,
  chunks: () => AsyncIterable<AskedFor>,
  apply: (userIds: readonly string[]) => Promise<void>,
): Promise<void> {
  let isAnyUnknown = false;
  for await (const asked of chunks()) {
    const unknown = await users.due(asked);
    if (unknown.length > 0) isAnyUnknown = true;
    await applyExcept(unknown, asked, apply);
  }
  if (!isAnyUnknown) return;
  for await (const asked of chunks()) {
    let unknown = await users.due(asked);
    while (unknown.length > 0) {
      const remaining = new Map(unknown.map(({ userId }) => [userId, asked.get(userId) ?? null]));
      unknown = await users.resolveSomeInTurn(run, remaining);
      await applyExcept(unknown, remaining, apply);
    }
  }
}

async function applyExcept(
  unknown: readonly { userId: string }[],
  asked: AskedFor,
  apply: (userIds: readonly string[]) => Promise<void>,
): Promise<void> {
  const isUnknown = new Set(unknown.map(({ userId }) => userId));
  const known = [...asked.keys()].filter((userId) => !isUnknown.has(userId));
  if (known.length > 0) await apply(known);
}
