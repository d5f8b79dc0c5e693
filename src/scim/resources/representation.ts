import { ScimError } from '../messages/scim-error';
import type { ResourceType } from '../schema/registry';
import type { ScimObject, ScimValue } from '../schema/json';

/** The fields of every stored resource. */
export interface StoredRow {
  id: string;
  version: number;
  resource: string;
  createdAt: number;
  lastModified: number;
}

/** Weak, because a list and a single read may hold different attributes. Equal to `meta.version` (RFC 7644 §3.14). */
export function etagOf(row: Pick<StoredRow, 'version'>): string {
  return `W/"${row.version}"`;
}

export function locationOf(baseUrl: string, type: ResourceType, id: string): string {
  return `${baseUrl}${type.endpoint}/${id}`;
}

export function metaOf(baseUrl: string, type: ResourceType, row: StoredRow): ScimObject {
  return {
    resourceType: type.name,
    created: new Date(row.createdAt).toISOString(),
    lastModified: new Date(row.lastModified).toISOString(),
    location: locationOf(baseUrl, type, row.id),
    version: etagOf(row),
  };
}

/** Bytes of a stored resource, without linked resources (`members`, `groups`). */
export const MOST_RESOURCE_BYTES = 256 * 1024;

/** The text to store for a resource. @throws ScimError 413 */
export function storedText(resource: ScimObject): string {
  const text = JSON.stringify(resource);
  if (text.length * 3 <= MOST_RESOURCE_BYTES || Buffer.byteLength(text) <= MOST_RESOURCE_BYTES) return text;
  throw ScimError.tooLarge(
    `The resource would be larger than ${MOST_RESOURCE_BYTES / 1024} KiB; remove values that you do not need, for example photos.`,
  );
}

/** Inserts `meta` and a derived list into the stored text, without parsing and printing it again. */
export function spliced(
  row: StoredRow,
  meta: ScimObject,
  derived: { name: string; values: readonly ScimValue[] } | null,
): string {
  const list =
    derived && derived.values.length > 0 ? `,"${derived.name}":${JSON.stringify(derived.values)}` : '';
  return `${row.resource.slice(0, -1)}${list},"meta":${JSON.stringify(meta)}}`;
}
