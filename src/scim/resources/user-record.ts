import type { UserRow, UserWrite } from '../../directory/users';
import type { ScimCaller } from '../authentication/scim-authentication';
import type { FilterColumns } from '../filter/columns';
import type { ScimObject, ScimResource } from '../schema/json';
import { completed } from '../schema/read-resource';
import { USER } from '../schema/registry';
import { storedText } from './representation';
import { attributesForTarget } from './told-attributes';

/** The stored form of a user. A read adds `meta` and `groups`. */
export function userWrite(
  id: string,
  resource: ScimResource,
  { userAttributes }: ScimCaller['target'],
): UserWrite {
  const stored: ScimResource = { ...resource, id };
  delete stored.meta;
  delete stored.groups;
  const userName = resource.userName as string;
  return {
    userName,
    externalId: (resource.externalId as string | undefined) ?? null,
    displayName: displayNameOf(resource),
    email: emailOf(resource),
    targetAttributes: attributesForTarget(resource, userAttributes),
    active: resource.active !== false,
    resource: storedText(completed(USER, stored)),
  };
}

/** The stored resource as it was written, without `meta` and `groups`. */
export function storedUser(row: UserRow): ScimResource {
  return JSON.parse(row.resource) as ScimResource;
}

/** Directory columns that hold exactly one attribute. */
export const USER_COLUMNS: FilterColumns = {
  id: { column: 'id', kind: 'id', nullable: false },
  username: { column: 'userNameKey', kind: 'key', nullable: false },
  externalid: { column: 'externalIdKey', kind: 'exact', nullable: true },
  active: { column: 'active', kind: 'boolean', nullable: false },
  'meta.created': { column: 'createdAt', kind: 'time', nullable: false },
  'meta.lastmodified': { column: 'lastModified', kind: 'time', nullable: false },
  'groups.value': { kind: 'link' },
};

function displayNameOf(resource: ScimResource): string {
  const name = resource.name as ScimObject | undefined;
  const parts = [name?.givenName, name?.familyName].filter((part) => typeof part === 'string');
  const shown =
    resource.displayName ?? name?.formatted ?? (parts.length > 0 ? parts.join(' ') : resource.userName);
  return (shown as string).slice(0, 1000);
}

/** The user's e-mail address in the target: primary, else work, else the first, else the user name if it is one. */
function emailOf(resource: ScimResource): string | null {
  const emails = ((resource.emails ?? []) as ScimObject[]).filter(({ value }) => typeof value === 'string');
  const chosen =
    emails.find(({ primary }) => primary === true) ??
    emails.find(({ type }) => typeof type === 'string' && type.toLowerCase() === 'work') ??
    emails[0];
  const email = (chosen?.value as string | undefined) ?? (resource.userName as string);
  const trimmed = email.trim();
  return /^[^\s@]+@[^\s@]+$/.test(trimmed) && trimmed.length <= 256 ? trimmed : null;
}
