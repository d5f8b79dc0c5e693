import type { GroupRow, GroupWrite } from '../../directory/groups';
import type { ScimCaller } from '../authentication/scim-authentication';
import type { FilterColumns } from '../filter/columns';
import type { ScimResource } from '../schema/json';
import { completed } from '../schema/read-resource';
import { GROUP } from '../schema/registry';
import { storedText } from './representation';

/** The stored form of a group. Members are separate rows, and a read adds `meta`. */
export function groupWrite(
  id: string,
  resource: ScimResource,
  { groupNameKey }: ScimCaller['target'],
): GroupWrite {
  const stored: ScimResource = { ...resource, id };
  delete stored.meta;
  delete stored.members;
  const displayName = resource.displayName as string;
  return {
    displayName,
    nameKey: groupNameKey(displayName),
    externalId: (resource.externalId as string | undefined) ?? null,
    resource: storedText(completed(GROUP, stored)),
  };
}

/** The stored resource as it was written, without `meta` and `members`. */
export function storedGroup(row: GroupRow): ScimResource {
  return JSON.parse(row.resource) as ScimResource;
}

/** Directory columns that hold exactly one attribute. */
export const GROUP_COLUMNS: FilterColumns = {
  id: { column: 'id', kind: 'id', nullable: false },
  displayname: { column: 'displayNameKey', kind: 'key', nullable: false },
  externalid: { column: 'externalIdKey', kind: 'exact', nullable: true },
  'meta.created': { column: 'createdAt', kind: 'time', nullable: false },
  'meta.lastmodified': { column: 'lastModified', kind: 'time', nullable: false },
  'members.value': { kind: 'link' },
};
