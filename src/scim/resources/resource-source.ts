import type { KeyRequest, KeyRow } from '../../directory/key-slice';
import type { FilterColumns } from '../filter/columns';
import type { ScimObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';

/** Part of the JSON text of a list of resources. */
export interface TextPiece {
  /** Whether a resource begins with it. */
  begins: boolean;
  text: string;
}

/** Resources by their own ids and those of others: the groups of a user, the members of a group. */
export interface Links {
  /** The multi-valued attribute that shows them. */
  attribute: 'groups' | 'members';
  /** Ids of the resources that are linked to another one, slice by slice; nothing for another one that is not there. */
  linkedTo(otherId: string): AsyncIterable<string[]>;
  /** Which of these, a hundred at most, are linked to any other. */
  havingAny(ids: readonly string[]): Promise<readonly string[]>;
  /** What the attribute of a resource shows, slice by slice. */
  valuesOf(id: string): AsyncIterable<ScimObject[]>;
}

/** The resources of one type and integration. */
export interface ResourceSource {
  integrationId: string;
  type: ResourceType;
  columns: FilterColumns;
  links: Links;
  /** How many there are. */
  total(): Promise<number>;
  /** Their keys in an order, slice by slice. */
  keys(request: KeyRequest, wanted?: number): AsyncIterable<KeyRow[]>;
  /** The keys of some, five hundred at most, in the order of their ids. */
  keysOf(ids: readonly string[]): Promise<KeyRow[]>;
  /** Some resources, one after the other, with `meta` and without what links show; those that are gone are left out. */
  resourcesOf(ids: readonly string[]): AsyncIterable<{ id: string; resource: ScimObject }>;
}
