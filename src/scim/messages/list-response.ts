import { MESSAGE_URNS } from './urns';

/** What a ListResponse says about itself (RFC 7644 §3.4.2, RFC 9865 §2); `undefined` is left out. */
export interface ListPage {
  /** Left out only where counting is not worth its price (RFC 9865 §2.1 allows it). */
  totalResults?: number;
  /** 1-based; index pagination only. */
  startIndex?: number;
  /** How many resources are really on this page. */
  itemsPerPage: number;
  /** On every page of a cursor walk but the last. */
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
 * The JSON text of a list whose resources are read while it is sent; how many they were is said at its end.
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
