import { attribute, type Schema } from './attribute';

/** RFC 7643 §4.2. Two names are never equal within an integration, so uniqueness is `server`, not the printed `none`. */
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
      // What is not an object with a string `value` is not understood, and a list of members that is not
      // understood is refused rather than guessed at.
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
        attribute('type', 'What the member is; always a user.', {
          canonicalValues: ['User'],
          // Whatever else it says means a user: PingFederate sends "value".
          refused: {
            value: 'Group',
            because: 'groups inside groups are not supported, push the users themselves',
          },
          mutability: 'immutable',
        }),
        // Not in the printed schema, sent by Okta and OneLogin, derived from the user in what we return.
        attribute('display', 'Display name of the user.', { mutability: 'readOnly' }),
      ],
    }),
  ],
};
