import { SettingsError, type SettingsProblem } from '../integrations/provider/provider-error';

export type AccountRegion = 'us' | 'eu';

export interface OAuthSettings {
  authMethod: 'oauth';
  clientId: string;
  /** The label before `.pagerduty.com`, or before `.eu.pagerduty.com`. */
  accountSubdomain: string;
  accountRegion: AccountRegion;
  groupDescription?: string;
}

export interface ApiKeySettings {
  authMethod: 'api_key';
  accountRegion: AccountRegion;
  groupDescription?: string;
}

export type PagerDutySettings = OAuthSettings | ApiKeySettings;

// It becomes part of an OAuth scope string, so only a host label may pass.
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
// PagerDuty API reference: the description of a team has at most 1,024 characters.
const GROUP_DESCRIPTION_LENGTH = 1024;
const CLIENT_ID_LENGTH = 255;
/** For input that may be a whole pasted web address. */
const ADDRESS_LENGTH = 1000;
const SECRET_LENGTH = 512;
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

/** What a person does about each wrong field. */
export const PROBLEMS = {
  settings: 'Give the settings as a JSON object.',
  authMethod: 'Set authMethod to "oauth" (Scoped OAuth) or "api_key" (API access key).',

  secretAmongSettings: 'Secrets are not settings: give the secret as "secret" beside the settings.',
  fieldOfOtherMethod: (authMethod: string) =>
    `Leave this field out: it has no meaning with authMethod "${authMethod}".`,
  unknownField: (known: readonly string[]) =>
    `There is no such setting; the settings are ${known.join(', ')}.`,

  noClientId: 'Give the client id of the app registered in PagerDuty.',
  clientId: `A client id has at most ${CLIENT_ID_LENGTH} letters, digits and signs, and no spaces; copy it again from the app.`,

  noSubdomain: 'Give the subdomain of the account: "acme" for https://acme.pagerduty.com.',
  subdomainMeant: (label: string, isEu: boolean) =>
    `Give only the subdomain, in lower case: "${label}"${isEu ? ' and accountRegion "eu"' : ''}.`,
  subdomain:
    'Give only the first label of the web address of the account, in lower-case letters, digits and inner hyphens: "acme" for https://acme.pagerduty.com.',

  region:
    'Set accountRegion to "eu" when the web address of the account ends in .eu.pagerduty.com, otherwise to "us".',

  descriptionNoText: 'Give the description as text, or leave the field out.',
  descriptionEmpty: 'Leave the field out to use the default description; this description is empty.',
  descriptionBroken: 'The description contains U+0000 or a broken character; type it again without it.',
  descriptionTooLong: `PagerDuty takes at most ${GROUP_DESCRIPTION_LENGTH} characters; shorten the description.`,

  noSecret: (what: string) => `Give the ${what}: it is empty.`,
  secretTooLong: (what: string) =>
    `A ${what} has at most ${SECRET_LENGTH} characters; copy only the ${what} itself.`,
  secretInHeader: (what: string) => `Give the bare ${what}, without "Token token=" or "Bearer" before it.`,
  secretBroken: (what: string) =>
    `The ${what} contains a space, a line break or another character that is not allowed in it; copy it again without them.`,
} as const;

const FIELDS = {
  oauth: ['authMethod', 'clientId', 'accountSubdomain', 'accountRegion', 'groupDescription'],
  api_key: ['authMethod', 'accountRegion', 'groupDescription'],
} as const;

export const AUTH_METHODS = [
  {
    id: 'oauth',
    title: 'Scoped OAuth',
    description:
      'An app registered in the PagerDuty account, with the scopes teams.read, teams.write and users.read. ' +
      'The secret is the client secret of that app. Recommended by PagerDuty.',
  },
  {
    id: 'api_key',
    title: 'API access key',
    description:
      'A general access REST API key of the PagerDuty account that is not read-only. The secret is that key.',
  },
] as const;

const GROUP_DESCRIPTION_SCHEMA = {
  type: 'string',
  title: 'Team description',
  description:
    'Description given to the teams that Scimify creates. {tenant_id}, {group_name} and {integration_name} are replaced.',
  minLength: 1,
  maxLength: GROUP_DESCRIPTION_LENGTH,
  // Not only blanks, and no character that PagerDuty refuses or garbles.
  pattern: '^[^\\u0000\\p{Cs}]*[^\\s\\u0000\\p{Cs}][^\\u0000\\p{Cs}]*$',
  examples: ['Created via Scimify for tenant {tenant_id}'],
};

const REGION_SCHEMA = {
  type: 'string',
  title: 'Service region',
  description: 'eu when the web address of the account ends in .eu.pagerduty.com, otherwise us.',
  enum: ['us', 'eu'],
  examples: ['us'],
};

/** `x-secret` describes the integration's `secret` for a form; the secret is not a setting. */
export const SETTINGS_SCHEMA: Record<string, unknown> = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'PagerDuty settings',
  description:
    'How to reach one PagerDuty account. The secret is given beside the settings, never inside them.',
  type: 'object',
  oneOf: [
    {
      title: 'Scoped OAuth',
      description: 'Client credentials of an app registered in the PagerDuty account.',
      type: 'object',
      properties: {
        authMethod: { const: 'oauth', title: 'Authentication', description: 'Scoped OAuth.' },
        clientId: {
          type: 'string',
          title: 'Client id',
          description: 'Client id of the app, as PagerDuty shows it under Integrations, App Registration.',
          minLength: 1,
          maxLength: CLIENT_ID_LENGTH,
          pattern: PRINTABLE_ASCII.source,
          examples: ['0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'],
        },
        accountSubdomain: {
          type: 'string',
          title: 'Account subdomain',
          description: 'The first label of the web address: acme for https://acme.pagerduty.com.',
          pattern: SUBDOMAIN.source,
          examples: ['acme'],
        },
        accountRegion: REGION_SCHEMA,
        groupDescription: GROUP_DESCRIPTION_SCHEMA,
      },
      required: ['authMethod', 'clientId', 'accountSubdomain', 'accountRegion'],
      additionalProperties: false,
      'x-secret': {
        title: 'Client secret',
        description: 'Client secret of the app. PagerDuty shows it once, when the app is registered.',
        minLength: 1,
        maxLength: SECRET_LENGTH,
      },
      examples: [
        {
          authMethod: 'oauth',
          clientId: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
          accountSubdomain: 'acme',
          accountRegion: 'us',
        },
      ],
    },
    {
      title: 'API access key',
      description: 'A REST API key of the PagerDuty account.',
      type: 'object',
      properties: {
        authMethod: { const: 'api_key', title: 'Authentication', description: 'API access key.' },
        accountRegion: { ...REGION_SCHEMA, default: 'us' },
        groupDescription: GROUP_DESCRIPTION_SCHEMA,
      },
      required: ['authMethod'],
      additionalProperties: false,
      'x-secret': {
        title: 'API access key',
        description: 'A general access REST API key that is not read-only.',
        minLength: 1,
        maxLength: SECRET_LENGTH,
      },
      examples: [{ authMethod: 'api_key', accountRegion: 'eu' }],
    },
  ],
};

/** @throws SettingsError naming each wrong field */
export function parseSettings(input: unknown): PagerDutySettings {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new SettingsError([{ field: 'settings', message: PROBLEMS.settings }]);
  }
  const given = input as Record<string, unknown>;
  const problems: SettingsProblem[] = [];
  const authMethod = given['authMethod'];
  if (authMethod !== 'oauth' && authMethod !== 'api_key') {
    throw new SettingsError([{ field: 'authMethod', message: PROBLEMS.authMethod }]);
  }

  const known: readonly string[] = FIELDS[authMethod];
  for (const field of Object.keys(given)) {
    if (!known.includes(field)) problems.push(unknownField(field, authMethod, known));
  }
  const groupDescription = readGroupDescription(given['groupDescription'], problems);
  const optional = groupDescription === undefined ? {} : { groupDescription };
  const accountRegion = readRegion(given['accountRegion'], authMethod, problems);

  const settings: PagerDutySettings =
    authMethod === 'api_key'
      ? { authMethod, accountRegion, ...optional }
      : {
          authMethod,
          clientId: readClientId(given['clientId'], problems),
          accountSubdomain: readSubdomain(given['accountSubdomain'], problems),
          accountRegion,
          ...optional,
        };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

/**
 * Checked before it is sent: a pasted newline makes the HTTP client throw, which looks like a network error.
 */
export function checkSecret(settings: PagerDutySettings, secret: string): SettingsProblem[] {
  const what = settings.authMethod === 'oauth' ? 'client secret' : 'API access key';
  const problem = (message: string): SettingsProblem[] => [{ field: 'secret', message }];
  if (typeof secret !== 'string' || secret === '') {
    return problem(PROBLEMS.noSecret(what));
  }
  if (secret.length > SECRET_LENGTH) {
    return problem(PROBLEMS.secretTooLong(what));
  }
  if (/^(token\s+token=|token=|token\s|bearer\s)/i.test(secret)) {
    return problem(PROBLEMS.secretInHeader(what));
  }
  if (!PRINTABLE_ASCII.test(secret)) {
    return problem(PROBLEMS.secretBroken(what));
  }
  return [];
}

function unknownField(
  field: string,
  authMethod: keyof typeof FIELDS,
  known: readonly string[],
): SettingsProblem {
  const name = shown(field);
  if (/secret|key|token|password/i.test(field)) {
    return { field: name, message: PROBLEMS.secretAmongSettings };
  }
  const ofOther = (FIELDS.oauth as readonly string[]).includes(field);
  return {
    field: name,
    message: ofOther ? PROBLEMS.fieldOfOtherMethod(authMethod) : PROBLEMS.unknownField(known),
  };
}

function readClientId(value: unknown, problems: SettingsProblem[]): string {
  if (typeof value !== 'string' || value === '') {
    problems.push({ field: 'clientId', message: PROBLEMS.noClientId });
    return '';
  }
  if (value.length > CLIENT_ID_LENGTH || !PRINTABLE_ASCII.test(value)) {
    problems.push({ field: 'clientId', message: PROBLEMS.clientId });
  }
  return value;
}

function readSubdomain(value: unknown, problems: SettingsProblem[]): string {
  if (typeof value === 'string' && SUBDOMAIN.test(value)) return value;
  problems.push({ field: 'accountSubdomain', message: subdomainMessage(value) });
  return '';
}

function subdomainMessage(value: unknown): string {
  if (typeof value !== 'string' || value === '') return PROBLEMS.noSubdomain;
  if (value.length > ADDRESS_LENGTH) return PROBLEMS.subdomain;
  const meant = /^(?:[a-z]+:\/\/)?([a-z0-9-]+)(?:\.(eu))?(?:\.pagerduty\.com(?:[/:?#].*)?)?$/i.exec(
    value.trim(),
  );
  const label = meant?.[1]?.toLowerCase();
  if (label === undefined || !SUBDOMAIN.test(label)) return PROBLEMS.subdomain;
  return PROBLEMS.subdomainMeant(label, meant?.[2] !== undefined);
}

function readRegion(
  value: unknown,
  authMethod: PagerDutySettings['authMethod'],
  problems: SettingsProblem[],
): AccountRegion {
  if (value === 'us' || value === 'eu') return value;
  if (value === undefined && authMethod === 'api_key') return 'us';
  problems.push({ field: 'accountRegion', message: PROBLEMS.region });
  return 'us';
}

function readGroupDescription(value: unknown, problems: SettingsProblem[]): string | undefined {
  if (value === undefined) return undefined;
  const problem = (message: string): undefined => {
    problems.push({ field: 'groupDescription', message });
  };
  if (typeof value !== 'string') return problem(PROBLEMS.descriptionNoText);
  // A character has at most two code units. Counting the characters of a huge text takes too long.
  if (value.length > 2 * GROUP_DESCRIPTION_LENGTH) return problem(PROBLEMS.descriptionTooLong);
  if (value.trim() === '') return problem(PROBLEMS.descriptionEmpty);
  if (/\u0000|\p{Surrogate}/u.test(value)) return problem(PROBLEMS.descriptionBroken);
  if ([...value].length > GROUP_DESCRIPTION_LENGTH) return problem(PROBLEMS.descriptionTooLong);
  return value;
}

/** At most 100 characters of the input, escaped for logs and terminals. */
function shown(text: string): string {
  const escaped = text
    .slice(0, 101)
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return escaped.length > 100 ? `${escaped.slice(0, 100)}…` : escaped;
}
