import { attribute, type Schema } from './attribute';

/** RFC 7643 §4.2. Group names are unique in an integration, so uniqueness is `server`, not `none` as in the RFC. */
export const GROUP_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  aliases: [
    'urn:ietf:params:scim:schemas:core:2.0Group',
    'urn:scim:schemas:core:2.0:Group',
    'urn:scim:schemas:core:2.0',
    'urn:scim:schemas:core:1.0',
    'urn:scim:schemas:core:1.1',
  ],
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', 'Name of the group.', { required: true, uniqueness: 'server', maxLength: 256 }),
    attribute('members', 'The users in the group.', {
      type: 'complex',
      multiValued: true,
      maxValues: Infinity,
      keptWhenOmitted: true,
      // A member must be an object with a string `value`. Any other list of members is refused, because a guess could
      // remove members.
      acceptsBareValue: false,
      subAttributes: [
        attribute('value', 'Identifier of the user.', {
          required: true,
          caseExact: true,
          mutability: 'immutable',
          maxLength: 256,
        }),
        attribute('$ref', 'URI of the user.', {
          type: 'reference',
          referenceTypes: ['User'],
          caseExact: true,
          mutability: 'immutable',
        }),
        attribute('type', 'The type of the member: always a user.', {
          canonicalValues: ['User'],
          // Every other type means a user: PingFederate sends "value".
          refused: {
            value: 'Group',
            because: 'groups inside groups are not supported, push the users themselves',
          },
          mutability: 'immutable',
        }),
        // Not in the schema of the RFC. Okta and OneLogin send it; responses take it from the user.
        attribute('display', 'Display name of the user.', { mutability: 'readOnly' }),
      ],
    }),
  ],
};
