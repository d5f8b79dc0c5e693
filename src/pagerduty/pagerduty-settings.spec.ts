import Ajv2020 from 'ajv/dist/2020';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from '../../test/support/properties';
import { SettingsError } from '../integrations/provider/provider-error';
import { checkSecret, parseSettings, PROBLEMS, SETTINGS_SCHEMA } from './pagerduty-settings';

const OAUTH = { authMethod: 'oauth', clientId: 'client-1', accountSubdomain: 'acme', accountRegion: 'us' };

function problemsOf(input: unknown): Record<string, string> {
  try {
    parseSettings(input);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return Object.fromEntries(error.problems.map(({ field, message }) => [field, message]));
  }
  return {};
}

describe('the settings of a PagerDuty integration', () => {
  it('are taken as they are for Scoped OAuth', () => {
    const settings = { ...OAUTH, groupDescription: 'Made for {tenant_id}' };
    expect(parseSettings(settings)).toEqual(settings);
  });

  it('default to the US service region for an API access key', () => {
    expect(parseSettings({ authMethod: 'api_key' })).toEqual({ authMethod: 'api_key', accountRegion: 'us' });
    expect(parseSettings({ authMethod: 'api_key', accountRegion: 'eu' })).toEqual({
      authMethod: 'api_key',
      accountRegion: 'eu',
    });
  });

  it.each([null, 'text', 7, []])('refuse %j, which is no object', (input) => {
    expect(Object.keys(problemsOf(input))).toEqual(['settings']);
  });

  it.each([undefined, 'OAuth', 'password', 3])('refuse the authMethod %j', (authMethod) => {
    expect(Object.keys(problemsOf({ ...OAUTH, authMethod }))).toEqual(['authMethod']);
  });

  it('name every wrong field at once', () => {
    const wrong = {
      authMethod: 'oauth',
      clientId: '',
      accountSubdomain: '-acme',
      accountRegion: 'de',
      groupDescription: 5,
      apiUrl: 'http://x',
    };
    expect(Object.keys(problemsOf(wrong)).sort()).toEqual([
      'accountRegion',
      'accountSubdomain',
      'apiUrl',
      'clientId',
      'groupDescription',
    ]);
  });

  it('refuse a field that belongs to the other method, and say so', () => {
    expect(problemsOf({ authMethod: 'api_key', accountSubdomain: 'acme' })).toEqual({
      accountSubdomain: 'Leave this field out: it has no meaning with authMethod "api_key".',
    });
  });

  it('refuse a secret among them, and say where it belongs', () => {
    expect(problemsOf({ ...OAUTH, clientSecret: 'x' })['clientSecret']).toContain(
      '"secret" beside the settings',
    );
  });

  it('require the region with Scoped OAuth, whose scope names it', () => {
    const { accountRegion: _, ...withoutRegion } = OAUTH;
    expect(Object.keys(problemsOf(withoutRegion))).toEqual(['accountRegion']);
  });

  it.each(['a', 'acme', 'acme-2', '9lives', 'a'.repeat(63)])(
    'accept the subdomain %s',
    (accountSubdomain) => {
      expect(problemsOf({ ...OAUTH, accountSubdomain })).toEqual({});
    },
  );

  it.each([
    '',
    '-acme',
    'acme-',
    'ac me',
    'acme teams.write',
    'acme\n',
    'acme.other',
    'ácme',
    'a'.repeat(64),
    'acme\u0000',
    null,
    42,
  ])('refuse the subdomain %j', (accountSubdomain) => {
    expect(Object.keys(problemsOf({ ...OAUTH, accountSubdomain }))).toEqual(['accountSubdomain']);
  });

  it.each([
    ['https://acme.pagerduty.com', 'Give only the subdomain, in lower case: "acme".'],
    ['https://acme.pagerduty.com/teams/P1?x=1', 'Give only the subdomain, in lower case: "acme".'],
    ['acme.pagerduty.com', 'Give only the subdomain, in lower case: "acme".'],
    [
      'https://acme.eu.pagerduty.com/',
      'Give only the subdomain, in lower case: "acme" and accountRegion "eu".',
    ],
    ['ACME', 'Give only the subdomain, in lower case: "acme".'],
    [' acme ', 'Give only the subdomain, in lower case: "acme".'],
  ])('say what to give instead of %j as the subdomain', (accountSubdomain, message) => {
    expect(problemsOf({ ...OAUTH, accountSubdomain })).toEqual({ accountSubdomain: message });
  });

  it.each(['with space', 'line\nbreak', '\u0000', 'x'.repeat(256)])('refuse the client id %j', (clientId) => {
    expect(Object.keys(problemsOf({ ...OAUTH, clientId }))).toEqual(['clientId']);
  });

  it('take a description of 1,024 characters, astral ones counted once', () => {
    expect(problemsOf({ ...OAUTH, groupDescription: '😀'.repeat(1024) })).toEqual({});
    expect(Object.keys(problemsOf({ ...OAUTH, groupDescription: 'x'.repeat(1025) }))).toEqual([
      'groupDescription',
    ]);
  });

  it.each(['a\u0000b', 'a\ud800b', '', '   ', null])('refuse the description %j', (groupDescription) => {
    expect(Object.keys(problemsOf({ ...OAUTH, groupDescription }))).toEqual(['groupDescription']);
  });

  it('repeat a strange field name shortened and escaped', () => {
    const [field] = Object.keys(problemsOf({ ...OAUTH, [`\u001b[31m${'x'.repeat(500)}`]: 1 }));
    expect(field).toMatch(/^\\u001b\[31mx+…$/);
    expect(field?.length).toBeLessThan(110);
  });

  it('are accepted when the schema accepts them, and only then', () => {
    const matches = new Ajv2020({ strict: false }).compile(SETTINGS_SCHEMA);
    const text = fc.oneof(
      fc.constantFrom(
        'acme',
        'a',
        '-a',
        'Acme',
        'a b',
        '',
        ' ',
        'us',
        'eu',
        'oauth',
        'x'.repeat(64),
        'a\u0000b',
        '\ud800',
        'é',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.integer({ min: 250, max: 1_030 }).map((length) => '\u{1f600}'.repeat(length)),
      fc.integer({ min: 250, max: 1_030 }).map((length) => 'c'.repeat(length)),
    );
    const value = fc.oneof({ weight: 6, arbitrary: text }, fc.constantFrom(null, 1, true, [], {}));
    const settings = fc.record(
      {
        authMethod: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('oauth', 'api_key') }, value),
        clientId: value,
        accountSubdomain: fc.oneof(fc.constant('acme'), value),
        accountRegion: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('us', 'eu') }, value),
        groupDescription: value,
        secret: value,
      },
      { requiredKeys: [] },
    );
    const isAccepted = (input: unknown) => {
      try {
        parseSettings(input);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(fc.oneof({ weight: 20, arbitrary: settings }, value), (input) => {
        expect(isAccepted(input)).toBe(matches(input));
      }),
      { numRuns: 5_000, examples: [[OAUTH], [{ authMethod: 'api_key' }]] },
    );
  });

  it('are described by a schema with one variant for each method', () => {
    const variants = SETTINGS_SCHEMA['oneOf'] as { properties: Record<string, object>; required: string[] }[];
    expect(variants.map(({ properties }) => Object.keys(properties))).toEqual([
      ['authMethod', 'clientId', 'accountSubdomain', 'accountRegion', 'groupDescription'],
      ['authMethod', 'accountRegion', 'groupDescription'],
    ]);
    expect(variants.every((variant) => 'x-secret' in variant)).toBe(true);
  });
});

describe('the secret of a PagerDuty integration', () => {
  const settings = parseSettings({ authMethod: 'api_key' });

  it.each(['u+abcdefghijklmnopqr', 'x', 'x'.repeat(512), 'pa$$:/?#[]@!'])('may be %j', (secret) => {
    expect(checkSecret(settings, secret)).toEqual([]);
  });

  it.each([
    '',
    ' ',
    'abc def',
    'abc\n',
    '\tabc',
    'abc\r\ndef',
    'abc\u0000',
    'abc\u00a0',
    'clé',
    'x'.repeat(513),
  ])('may not be %j', (secret) => {
    expect(checkSecret(settings, secret).map(({ field }) => field)).toEqual(['secret']);
  });

  it.each(['Token token=abc', 'token=abc', 'Bearer abc'])(
    'is asked for without the header around it: %j',
    (secret) => {
      expect(checkSecret(settings, secret)[0]?.message).toContain('Give the bare API access key');
    },
  );

  it('is never repeated in the problem', () => {
    expect(JSON.stringify(checkSecret(settings, 'hush hush'))).not.toContain('hush');
  });
});

interface Mistake {
  settings?: unknown;
  secret?: string;
  field: string;
  says: string;
}

const wrong = (field: string, value: unknown, says: string): Mistake => ({
  settings: { ...OAUTH, [field]: value },
  field,
  says,
});
const wrongSecret = (secret: string, says: string): Mistake => ({ secret, field: 'secret', says });

/** How to provoke each sentence. A new sentence without an entry does not compile. */
const MISTAKES: Record<keyof typeof PROBLEMS, Mistake> = {
  settings: { settings: 'acme', field: 'settings', says: PROBLEMS.settings },
  authMethod: wrong('authMethod', 'password', PROBLEMS.authMethod),
  secretAmongSettings: wrong('apiToken', 'x', PROBLEMS.secretAmongSettings),
  fieldOfOtherMethod: {
    settings: { authMethod: 'api_key', clientId: 'client-1' },
    field: 'clientId',
    says: PROBLEMS.fieldOfOtherMethod('api_key'),
  },
  unknownField: {
    settings: { authMethod: 'api_key', region: 'us' },
    field: 'region',
    says: PROBLEMS.unknownField(['authMethod', 'accountRegion', 'groupDescription']),
  },
  noClientId: wrong('clientId', '', PROBLEMS.noClientId),
  clientId: wrong('clientId', 'client 1', PROBLEMS.clientId),
  noSubdomain: wrong('accountSubdomain', undefined, PROBLEMS.noSubdomain),
  subdomainMeant: wrong(
    'accountSubdomain',
    'https://Acme.eu.pagerduty.com',
    PROBLEMS.subdomainMeant('acme', true),
  ),
  subdomain: wrong('accountSubdomain', '-acme', PROBLEMS.subdomain),
  region: wrong('accountRegion', 'de', PROBLEMS.region),
  descriptionNoText: wrong('groupDescription', 5, PROBLEMS.descriptionNoText),
  descriptionEmpty: wrong('groupDescription', ' ', PROBLEMS.descriptionEmpty),
  descriptionBroken: wrong('groupDescription', 'a\u0000b', PROBLEMS.descriptionBroken),
  descriptionTooLong: wrong('groupDescription', 'x'.repeat(1025), PROBLEMS.descriptionTooLong),
  noSecret: wrongSecret('', PROBLEMS.noSecret('client secret')),
  secretTooLong: wrongSecret('x'.repeat(513), PROBLEMS.secretTooLong('client secret')),
  secretInHeader: wrongSecret('Bearer abc', PROBLEMS.secretInHeader('client secret')),
  secretBroken: wrongSecret('abc\n', PROBLEMS.secretBroken('client secret')),
};

describe('what a person is told to do about a wrong field', () => {
  it.each(Object.entries(MISTAKES))(
    'is said beside the field: %s',
    (_, { settings, secret, field, says }) => {
      const found =
        secret === undefined
          ? problemsOf(settings)
          : Object.fromEntries(
              checkSecret(parseSettings(OAUTH), secret).map((problem) => [problem.field, problem.message]),
            );
      expect(found).toEqual({ [field]: says });
      expect(says).toMatch(/\b([Gg]ive|Set|Leave|copy|shorten|type|the settings are)\b/);
    },
  );

  it('is provoked here for every sentence', () => {
    expect(Object.keys(MISTAKES).sort()).toEqual(Object.keys(PROBLEMS).sort());
    expect(new Set(Object.values(MISTAKES).map(({ says }) => says)).size).toBe(Object.keys(PROBLEMS).length);
  });

  it('is written only in that table', () => {
    const source = readFileSync(join(__dirname, 'pagerduty-settings.ts'), 'utf8');
    expect(source).toContain('message: PROBLEMS.');
    expect(source).not.toMatch(/message:\s*['"`]|problem\(\s*['"`]/);
  });
});
