import { CORE_GROUP, CORE_USER, ENTERPRISE } from './urns';

let counter = 0;

/** A new user name for each call. */
export function newName(base = 'ada'): string {
  counter += 1;
  return `${base}.${counter}@example.com`;
}

/** A user with only the required attributes. */
export function user(more: object = {}): object {
  return { schemas: [CORE_USER], userName: newName(), ...more };
}

/** A group with only the required attributes. */
export function group(more: object = {}): object {
  counter += 1;
  return { schemas: [CORE_GROUP], displayName: `Group ${counter}`, ...more };
}

/** A user with all attributes that a client can write and read (like the example in RFC 7643 §8.3). */
export function fullUser(more: object = {}): object {
  const userName = newName();
  return {
    schemas: [CORE_USER, ENTERPRISE],
    externalId: `ext-${userName}`,
    userName,
    name: {
      formatted: 'Countess Ada King Byron, III',
      familyName: 'Byron',
      givenName: 'Ada',
      middleName: 'King',
      honorificPrefix: 'Countess',
      honorificSuffix: 'III',
    },
    displayName: 'Ada Byron',
    nickName: 'Ada',
    profileUrl: 'https://login.example.com/Ada',
    title: 'Analyst',
    userType: 'Employee',
    preferredLanguage: 'en-GB',
    locale: 'en-GB',
    timezone: 'Europe/London',
    active: true,
    emails: [
      { value: userName, type: 'work', primary: true },
      { value: 'ada@home.example', display: 'Home', type: 'home' },
    ],
    phoneNumbers: [
      { value: '555-555-5555', type: 'work' },
      { value: '+44 (0)20 7946 0000', type: 'mobile', primary: true },
    ],
    ims: [{ value: 'ada', type: 'aim' }],
    photos: [{ value: 'https://photos.example.com/ada/F', type: 'photo' }],
    addresses: [
      {
        formatted: '12 St James Square\nLondon SW1Y 4JH',
        streetAddress: '12 St James Square',
        locality: 'London',
        region: 'Greater London',
        postalCode: 'SW1Y 4JH',
        country: 'GB',
        type: 'work',
        primary: true,
      },
    ],
    entitlements: [{ value: 'license-a', display: 'License A', type: 'license' }],
    roles: [{ value: 'responder', primary: true }],
    x509Certificates: [{ value: 'MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVM=' }],
    [ENTERPRISE]: {
      employeeNumber: '701984',
      costCenter: '4130',
      organization: 'Analytical Engines',
      division: 'Mills',
      department: 'Cards',
      manager: { value: '26118915-6090-4610-87e4-49d8ca9f808d', $ref: '../Users/26118915' },
    },
    ...more,
  };
}
