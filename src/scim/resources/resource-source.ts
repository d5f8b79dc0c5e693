import type { KeyRequest, KeyRow } from '../../directory/key-slice';
import type { FilterColumns } from '../filter/columns';
import type { ScimObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';

/** Part of the JSON text of a list of resources. */
export interface TextPiece {
  /** Whether a resource begins with this piece. */
  begins: boolean;
  text: string;
}

/** Links between resources: the groups of a user, the members of a group. */
export interface Links {
  /** The multi-valued attribute that shows the links. */
  attribute: 'groups' | 'members';
  /** Ids of the resources that are linked to another one, in slices; none if the other one does not exist. */
  linkedTo(otherId: string): AsyncIterable<string[]>;
  /** Which of these resources, at most a hundred, have any link. */
  havingAny(ids: readonly string[]): Promise<readonly string[]>;
  /** The values of the attribute of one resource, in slices. */
  valuesOf(id: string): AsyncIterable<ScimObject[]>;
}

/** The resources of one type in one integration. */
export interface ResourceSource {
  integrationId: string;
  type: ResourceType;
  columns: FilterColumns;
  links: Links;
  total(): Promise<number>;
  /** The keys in an order, in slices. */
  keys(request: KeyRequest, wanted?: number): AsyncIterable<KeyRow[]>;
  /** The keys of these resources, at most five hundred, in the order of their ids. */
  keysOf(ids: readonly string[]): Promise<KeyRow[]>;
  /** These resources, one by one, with `meta` but without linked resources. Deleted resources are left out. */
  resourcesOf(ids: readonly string[]): AsyncIterable<{ id: string; resource: ScimObject }>;
}
