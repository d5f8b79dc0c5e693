import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import type { ApiAnswer, ApiCall, PagerDutyClient } from './client';
import { listTooLong, listChangedWhileRead, unreadableAnswer, type Operation } from './failures';
import { parsePage, type Page } from './types';

export interface ListRequest<Row> {
  operation: Operation;
  path: readonly string[];
  /** The field of the body that holds the rows. */
  collection: string;
  parseRow: (value: unknown) => Row | null;
  query?: Record<string, string>;
  /** Requests the number of rows with the first page; PagerDuty may still leave it out. */
  withTotal?: boolean;
  /** One of several lists that are useful only together. */
  oneOfSeveral?: boolean;
}

/** PagerDuty docs: the largest page; the default is 25. */
export const PAGE_SIZE = 100;
/** PagerDuty docs: offset + limit may not exceed it. */
export const LIST_LIMIT = 10_000;
/** For one page: otherwise a list of a hundred pages hardly ever completes while one call in fifty fails. */
const PAGE_ATTEMPTS = 4;
const MAX_FIRST_PAUSE_MS = 200;
/** Failures of a single call. When the account is unreachable or too slow, there is no retry at once. */
const RETRIED_REASONS: ReadonlySet<string> = new Set(['server_error', 'connection_broken']);

/**
 * All pages of a list, in order.
 * @throws ProviderError when the end cannot be reached (`list_too_long` past 10,000 rows)
 */
export async function* pagesOf<Row>(
  client: PagerDutyClient,
  list: ListRequest<Row>,
  context: CallContext,
): AsyncGenerator<Page<Row>, void, undefined> {
  let offset = 0;
  for (;;) {
    const limit = Math.min(PAGE_SIZE, LIST_LIMIT - offset);
    if (limit <= 0) throw listTooLong(list.operation);
    // When the first page fails, no read page is lost.
    const attempts = offset > 0 || list.oneOfSeveral ? PAGE_ATTEMPTS : 1;
    const answer = await sendWithRetries(
      client,
      attempts,
      {
        operation: list.operation,
        method: 'GET',
        path: list.path,
        query: {
          ...list.query,
          limit: String(limit),
          offset: String(offset),
          ...(list.withTotal && offset === 0 ? { total: 'true' } : {}),
        },
      },
      context,
    );
    const page = parsePage(answer.body, list.collection, list.parseRow, limit);
    if (page === null) throw unreadableAnswer(list.operation, answer.status);
    yield page;
    if (!page.more) return;
    if (page.count === 0) throw listChangedWhileRead(list.operation);
    // Some endpoints answer with another page size than requested, and say so.
    offset += page.limit;
  }
}

/** Reading a page again changes nothing, and is cheaper than reading the whole list again. */
async function sendWithRetries(
  client: PagerDutyClient,
  attempts: number,
  call: ApiCall,
  context: CallContext,
): Promise<ApiAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.send(call, context);
    } catch (error) {
      const again = error instanceof ProviderError && RETRIED_REASONS.has(error.reason);
      if (!again || attempt === attempts) throw error;
      const ms = Math.random() * MAX_FIRST_PAUSE_MS * 2 ** (attempt - 1);
      await pause(ms, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
    }
  }
}
