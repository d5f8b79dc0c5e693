import type { CallContext } from '../../integrations/provider/integration-provider';
import type { PagerDutyClient } from './client';
import { listTooLong, listChangedWhileRead, unreadableAnswer, type Operation } from './error-classification';
import { parsePage, type Page } from './types';

export interface ListRequest<Row> {
  operation: Operation;
  path: readonly string[];
  /** The field of the body that holds the rows. */
  collection: string;
  parseRow: (value: unknown) => Row | null;
  query?: Record<string, string>;
  /** Asks for the number of rows with the first page; PagerDuty may leave it out all the same. */
  withTotal?: boolean;
}

/** PagerDuty docs: the largest page, where the default is 25. */
export const PAGE_SIZE = 100;
/** PagerDuty docs: offset + limit may not exceed it. */
export const LIST_LIMIT = 10_000;

/**
 * The pages of a list, in order, to its very end.
 * @throws ProviderError where the end cannot be reached (`list_too_long` past 10,000 rows)
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
    const answer = await client.send(
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
    const page = parsePage(answer.body, list.collection, list.parseRow, { offset, limit });
    if (page === null) throw unreadableAnswer(list.operation, answer.status);
    yield page;
    if (!page.more) return;
    if (page.count === 0) throw listChangedWhileRead(list.operation);
    // Some endpoints answer with pages of another size than asked for, and say so.
    offset += page.limit;
  }
}
