import { MESSAGE_URNS } from './urns';

/** The paging fields of a ListResponse (RFC 7644 §3.4.2, RFC 9865 §2). JSON leaves out `undefined`. */
export interface ListPage {
  /** Left out only if counting costs too much (RFC 9865 §2.1 allows this). */
  totalResults?: number;
  /** 1-based; index pagination only. */
  startIndex?: number;
  /** The actual number of resources on this page. */
  itemsPerPage: number;
  /** Cursor pagination only; absent on the last page. */
  nextCursor?: string;
  previousCursor?: string;
}

export interface ListResponse<R> extends ListPage {
  schemas: [typeof MESSAGE_URNS.listResponse];
  Resources: R[];
}

export function listResponse<R>(page: ListPage, resources: R[]): ListResponse<R> {
  return { schemas: [MESSAGE_URNS.listResponse], ...page, Resources: resources };
}

/**
 * The JSON text of a list that is sent while its resources are read, so `itemsPerPage` comes last.
 *
 * @param pieces texts of the resources, in order
 */
export async function* listResponseText(
  page: Omit<ListPage, 'itemsPerPage'>,
  pieces: AsyncIterable<{ begins: boolean; text: string }>,
): AsyncGenerator<string, void> {
  yield `${JSON.stringify({ schemas: [MESSAGE_URNS.listResponse], ...page }).slice(0, -1)},"Resources":[`;
  let itemsPerPage = 0;
  for await (const { begins, text } of pieces) {
    if (begins && itemsPerPage > 0) yield ',';
    if (begins) itemsPerPage += 1;
    yield text;
  }
  yield `],"itemsPerPage":${itemsPerPage}}`;
}
