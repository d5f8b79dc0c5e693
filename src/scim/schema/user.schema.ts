import { attribute, multiValued, type Schema } from './attribute';

const KEY_LENGTH = 256;

/** RFC 7643 §4.1 and §8.7.1. */
export const USER_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  aliases: [
    'urn:ietf:params:scim:schemas:core:2.0User',
    'urn:scim:schemas:core:2.0:User',
    'urn:scim:schemas:core:2.0',
    'urn:scim:schemas:core:1.0',
    'urn:scim:schemas:core:1.1',
  ],
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'Unique name of the user at the identity provider, often an e-mail address.', {
      required: true,
      uniqueness: 'server',
      maxLength: KEY_LENGTH,
    }),
    attribute('name', "The components of the user's name.", {
      type: 'complex',
      subAttributes: [
        attribute('formatted', 'The full name, formatted for display.'),
        attribute('familyName', 'The family name.'),
        attribute('givenName', 'The given name.'),
        attribute('middleName', 'The middle names.'),
        attribute('honorificPrefix', 'Honorific prefixes, or titles.'),
        attribute('honorificSuffix', 'Honorific suffixes.'),
      ],
    }),
    attribute('displayName', 'The name of the user, suitable for display.', { maxLength: KEY_LENGTH }),
    attribute('nickName', 'The casual way to address the user.'),
    attribute('profileUrl', "URI of the user's online profile.", {
      type: 'reference',
      referenceTypes: ['external'],
      caseExact: true,
    }),
    attribute('title', "The user's title, for example Vice President."),
    attribute('userType', 'The relationship between the organisation and the user.'),
    attribute('preferredLanguage', "The user's preferred languages, as in the Accept-Language header."),
    attribute('locale', "The user's location for the format of numbers and dates, for example en-US."),
    attribute('timezone', "The user's time zone in the IANA format, for example America/Los_Angeles."),
    attribute('active', "The user's administrative status.", {
      type: 'boolean',
      // It cannot be removed: the default would replace it and reactivate a deactivated user.
      required: true,
      defaultValue: true,
      keptWhenOmitted: true,
    }),
    attribute('password', 'Accepted and discarded, because users do not sign in to Scimify.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    multiValued(
      'emails',
      'E-mail addresses of the user.',
      { maxLength: KEY_LENGTH },
      ['work', 'home', 'other'],
      { keptWhenOmitted: true },
    ),
    multiValued('phoneNumbers', 'Phone numbers of the user.', {}, [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    multiValued('ims', 'Instant messaging addresses of the user.', {}, [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    multiValued(
      'photos',
      'URIs of photos of the user.',
      { type: 'reference', referenceTypes: ['external'], caseExact: true },
      ['photo', 'thumbnail'],
    ),
    attribute('addresses', 'Physical mailing addresses of the user.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('formatted', 'The full address, formatted for display.'),
        attribute('streetAddress', 'The full street address.'),
        attribute('locality', 'The city or locality.'),
        attribute('region', 'The state or region.'),
        attribute('postalCode', 'The zip code or postal code.'),
        attribute('country', 'The country, as an ISO 3166-1 alpha-2 code.'),
        attribute('type', 'A label that says what the address is for.', {
          canonicalValues: ['work', 'home', 'other'],
        }),
        attribute('primary', 'Whether this is the preferred address; at most one address is.', {
          type: 'boolean',
        }),
      ],
    }),
    attribute('groups', 'Groups of the user. A client changes them through the groups.', {
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      subAttributes: [
        attribute('value', 'Identifier of the group.', { mutability: 'readOnly', caseExact: true }),
        attribute('$ref', 'URI of the group.', {
          type: 'reference',
          referenceTypes: ['Group'],
          mutability: 'readOnly',
          caseExact: true,
        }),
        attribute('display', 'Display name of the group.', { mutability: 'readOnly' }),
        attribute('type', 'How the user belongs to the group.', {
          mutability: 'readOnly',
          canonicalValues: ['direct'],
        }),
      ],
    }),
    multiValued('entitlements', 'Entitlements of the user.', {}, []),
    multiValued('roles', 'Roles of the user.', {}, []),
    multiValued(
      'x509Certificates',
      'Certificates of the user, base64-encoded DER.',
      { type: 'binary', caseExact: true },
      [],
    ),
  ],
};
