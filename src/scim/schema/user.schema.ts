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
    attribute('title', "The user's title, such as Vice President."),
    attribute('userType', 'The relationship between the organisation and the user.'),
    attribute('preferredLanguage', "The user's preferred languages, as in the Accept-Language header."),
    attribute('locale', "The user's location for localising numbers and dates, such as en-US."),
    attribute('timezone', "The user's time zone in the IANA format, such as America/Los_Angeles."),
    attribute('active', "The user's administrative status.", {
      type: 'boolean',
      // It cannot be removed: its default would take its place, and bring a deactivated user back.
      required: true,
      defaultValue: true,
      keptWhenOmitted: true,
    }),
    attribute('password', 'Accepted and thrown away: there is nothing to sign in to.', {
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
        attribute('primary', 'Whether this is the preferred address; at most one is.', { type: 'boolean' }),
      ],
    }),
    attribute('groups', 'Groups that the user belongs to; changed through the groups.', {
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
