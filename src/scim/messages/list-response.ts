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

/** The JSON text around the resources of a list that is streamed one resource at a time, joined by commas. */
export function listResponseFrame(page: ListPage): { open: string; close: string } {
  const text = JSON.stringify(listResponse(page, []));
  return { open: text.slice(0, -2), close: ']}' };
}
