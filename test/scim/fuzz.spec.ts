import fc from '../support/properties';
import type { Answer } from '../support/http';
import type { TestIntegration } from '../support/scimify';
import { sendExactly } from './support/exact-request';
import { expectOneSentence } from './support/expectations';
import { recordedRequests } from './support/recorded-bodies';
import { fullUser, newName, user } from './support/samples';
import { serverOfThisFile } from './support/server';
import {
  BULK_REQUEST,
  CORE_GROUP,
  ENTERPRISE,
  ERROR,
  NOBODY,
  PATCH_OP,
  SEARCH_REQUEST,
} from './support/urns';

/** Other seeds find other problems. */
const SEED = Number(process.env.FUZZ_SEED ?? 7644);
const COUNT = Number(process.env.FUZZ_COUNT ?? 5_000);
const AT_ONCE = 25;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const SUCCESSES = [200, 201, 204, 304];
const REFUSALS = [400, 403, 404, 405, 409, 412, 413, 415, 501];

interface Shot {
  method: (typeof METHODS)[number];
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
}

describe('random and mutated requests', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let userId: string;
  let groupId: string;
  const answered = new Map<number, number>();

  beforeAll(async () => {
    integration = await server.freshIntegration();
    await makeTargets();
  });

  async function makeTargets(): Promise<void> {
    const { scim } = integration;
    userId = (await scim.post('/Users', fullUser())).body.id;
    groupId = await scim.createGroup(`Target ${newName()}`, [userId]);
  }

  /** Ids are known only when the server runs. */
  function aimed(text: string): string {
    return text
      .replaceAll('{user}', userId)
      .replaceAll('{team}', groupId)
      .replace(/\{new\}/g, () => newName('fuzz'))
      .replace(/\{[a-z]\w*\}/g, userId);
  }

  async function fire(shot: Shot): Promise<void> {
    const answer = await sendExactly(server.scimify.url, {
      method: shot.method,
      target: `/scim/v2/${integration.id}${encodeOdd(aimed(shot.target))}`,
      headers: {
        Authorization: `Bearer ${integration.scimKey}`,
        'Content-Type': 'application/scim+json',
        ...shot.headers,
      },
      body: shot.body === undefined ? undefined : aimed(shot.body),
    });
    answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1);
    expectSound(answer);
  }

  it(`are answered, every one of ${COUNT}, by a SCIM error or a success and never by a 500`, async () => {
    const failures: string[] = [];
    const salvo = fc.sample(shots(), { seed: SEED, numRuns: COUNT });
    for (let fired = 0; fired < salvo.length; fired += AT_ONCE) {
      const volley = salvo.slice(fired, fired + AT_ONCE);
      const results = await Promise.allSettled(volley.map(fire));
      results.forEach((result, index) => {
        if (result.status === 'rejected') failures.push(describeFailure(volley[index]!, result.reason));
      });
      // A volley that deleted its targets gets new ones.
      if ((await integration.scim.get(`/Users/${userId}`)).status === 404) await makeTargets();
      else if ((await integration.scim.get(`/Groups/${groupId}?attributes=id`)).status === 404)
        await makeTargets();
    }
    expect(failures).toEqual([]);
    // If every request were refused early, the test would prove nothing.
    for (const status of [200, 201, 204, 400, 404, 405, 409, 415]) {
      expect({ status, often: (answered.get(status) ?? 0) >= COUNT / 500 }).toEqual({ status, often: true });
    }
  }, 120_000);

  it('leave nothing behind that cannot be read and put again', async () => {
    const { scim } = integration;
    for (const endpoint of ['/Users', '/Groups']) {
      let startIndex = 1;
      for (let total = 1; startIndex <= total; startIndex += 100) {
        const { status, body } = await scim.get(`${endpoint}?startIndex=${startIndex}&count=100`);
        expect(status).toBe(200);
        total = body.totalResults as number;
        for (const resource of body.Resources as { id: string }[]) {
          const answer = await scim.put(`${endpoint}/${resource.id}`, resource);
          expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: resource });
        }
      }
      expect(startIndex).toBeGreaterThan(1);
    }
  }, 60_000);
});

function describeFailure({ method, target, headers, body = '' }: Shot, reason: unknown): string {
  const request = `${method} ${target.slice(0, 300)} ${JSON.stringify(headers)} ${body.slice(0, 1_000)}`;
  return `${request}\n${String(reason).slice(0, 1_500)}`;
}

/** A valid success or a SCIM error; no internals; no password. */
function expectSound({ status, headers, body }: Answer): void {
  const seen = { status, body };
  if (SUCCESSES.includes(status)) {
    if (status === 204 || status === 304) expect(seen).toEqual({ status, body: '' });
    else expect(seen).toMatchObject({ status, body: { schemas: expect.any(Array) } });
  } else {
    expect(seen).toMatchObject({
      status: expect.any(Number),
      body: { schemas: [ERROR], status: String(status), detail: expect.any(String) },
    });
    expect({ ...seen, known: REFUSALS.includes(status) }).toEqual({ ...seen, known: true });
    expectOneSentence(body.detail);
  }
  if (body !== '') expect(headers.get('content-type')).toMatch(/^application\/(scim\+)?json/);
}

/** Escapes only what a request line cannot contain. */
function encodeOdd(target: string): string {
  return Buffer.from(target, 'utf8')
    .toString('latin1')
    .replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('#', '%23');
}

/** Like `encodeURIComponent`, which throws at half a surrogate pair. */
function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
}

function shots(): fc.Arbitrary<Shot> {
  return fc.oneof({ weight: 3, arbitrary: aimedShots() }, { weight: 2, arbitrary: wildShots() });
}

/** A method and a body that belong to the endpoint, so that the last check finds the error, not the first. */
function aimedShots(): fc.Arbitrary<Shot> {
  const ofUsers = bodiesLike((schemas) => /:User\b|core:[12]\.0/.test(schemas));
  const ofGroups = bodiesLike((schemas) => schemas.includes(CORE_GROUP));
  const ofPatches = fc.oneof(
    bodiesLike((schemas) => schemas.includes(PATCH_OP)),
    patches(),
  );
  const ofSearches = bodiesLike((schemas) => schemas.includes(SEARCH_REQUEST));
  const ofBulks = bodiesLike((schemas) => schemas.includes(BULK_REQUEST));
  const kinds: [Shot['method'], string, fc.Arbitrary<string | undefined>][] = [
    ['GET', '/Users', fc.constant(undefined)],
    ['GET', '/Groups', fc.constant(undefined)],
    ['GET', '/Users/{user}', fc.constant(undefined)],
    ['POST', '/Users', ofUsers],
    ['PUT', '/Users/{user}', ofUsers],
    ['PATCH', '/Users/{user}', ofPatches],
    ['POST', '/Groups', ofGroups],
    ['PUT', '/Groups/{team}', ofGroups],
    ['PATCH', '/Groups/{team}', ofPatches],
    ['POST', '/Bulk', ofBulks],
    ['POST', '/Users/.search', ofSearches],
    ['POST', '/Groups/.search', ofSearches],
    ['POST', '/.search', ofSearches],
  ];
  return fc.constantFrom(...kinds).chain(([method, path, body]) =>
    fc.record({
      method: fc.constant(method),
      target: method === 'GET' ? queries().map((query) => path + query) : fc.constant(path),
      headers: oddHeaders(),
      body,
    }),
  );
}

function wildShots(): fc.Arbitrary<Shot> {
  return fc.record({
    method: fc.constantFrom(...METHODS),
    target: fc.tuple(paths(), queries()).map(([path, query]) => path + query),
    headers: oddHeaders(),
    body: fc.option(bodies(), { nil: undefined, freq: 8 }),
  });
}

function paths(): fc.Arbitrary<string> {
  const known = [
    '/Users',
    '/Users/{user}',
    '/Users/.search',
    '/Groups',
    '/Groups/{team}',
    '/Groups/.search',
    '/.search',
    '/Bulk',
    '/Me',
    '/ServiceProviderConfig',
    '/ResourceTypes',
    '/ResourceTypes/User',
    '/Schemas',
    `/Schemas/${CORE_GROUP}`,
    `/Users/${NOBODY}`,
    `/Groups/${NOBODY}`,
    '',
    '/',
  ];
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...known) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...known)
        .chain((path) => mutatedText(path.slice(1)).map((text) => `/${text}`)),
    },
    { weight: 1, arbitrary: texts().map((text) => `/Users/${escaped(text)}`) },
  );
}

function queries(): fc.Arbitrary<string> {
  const names = fc.constantFrom(
    'filter',
    'startIndex',
    'count',
    'cursor',
    'sortBy',
    'sortOrder',
    'attributes',
    'excludedAttributes',
    'x',
    '__proto__',
    'filter[]',
  );
  const pair = fc.tuple(names, parameterValues()).map(([name, value]) => `${name}=${escaped(value)}`);
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    {
      weight: 3,
      arbitrary: fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`),
    },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => `?${text.replace(/\s/g, '+')}`),
    },
  );
}

const FILTERS = [
  'userName eq "ada@example.com"',
  'emails[type eq "work" and value co "@x"] or not (active eq true)',
  `${ENTERPRISE}:manager.value pr`,
  'meta.lastModified gt "2011-05-13T04:42:34Z" and title pr',
  'members[value eq "{user}"]',
  'groups.display sw "T"',
  'id eq "{user}" and name.familyName ne null',
];

function parameterValues(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...FILTERS),
    fc.constantFrom(...FILTERS).chain(mutatedText),
    fc.constantFrom('1', '0', '-1', '2', '1e9', '99999999999999999999', 'NaN', '', 'ascending', 'DESCENDING'),
    fc.constantFrom(
      'userName',
      'emails',
      'name.givenName',
      'members',
      'members.value',
      'meta',
      'active',
      ENTERPRISE,
      'password',
    ),
    texts(),
  );
}

function oddHeaders(): fc.Arbitrary<Record<string, string>> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Record<string, string>>(
        { 'Content-Type': 'text/plain' },
        { 'Content-Type': 'application/json;charset=utf-8' },
        { 'Content-Type': '' },
        { Accept: 'application/json' },
        { Accept: ';;;q=x' },
        { 'If-Match': '*' },
        { 'If-Match': 'W/"' },
        { 'If-None-Match': '*' },
        { 'If-None-Match': '"", , W/"1"' },
        { 'Content-Encoding': 'gzip' },
        { Prefer: 'respond-async' },
        { 'X-HTTP-Method-Override': 'DELETE' },
      ),
    },
  );
}

const BODIES: unknown[] = [
  ...recordedRequests().flatMap(({ body }) => (body === undefined ? [] : [body])),
  fullUser({ userName: 'fuzzed@example.com' }),
  { schemas: [CORE_GROUP], displayName: 'Fuzzed', members: [{ value: '{user}', type: 'User' }] },
  { schemas: [SEARCH_REQUEST], filter: 'userName pr', count: 2, startIndex: 1, attributes: ['userName'] },
  { schemas: [SEARCH_REQUEST], cursor: '', sortBy: 'userName', sortOrder: 'descending' },
  {
    schemas: [BULK_REQUEST],
    failOnErrors: 2,
    Operations: [
      { method: 'POST', path: '/Users', bulkId: 'a', data: user({ userName: 'bulk-fuzz@example.com' }) },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'b',
        data: { schemas: [CORE_GROUP], displayName: 'Bulk fuzz', members: [{ value: 'bulkId:a' }] },
      },
      {
        method: 'PATCH',
        path: '/Groups/{team}',
        data: {
          schemas: [PATCH_OP],
          Operations: [{ op: 'add', path: 'members', value: [{ value: 'bulkId:a' }] }],
        },
      },
      { method: 'DELETE', path: '/Users/bulkId:a' },
    ],
  },
];

function bodies(): fc.Arbitrary<string> {
  const recorded = fc.constantFrom(...BODIES);
  return fc.oneof(
    { weight: 8, arbitrary: mutationsOf(recorded) },
    { weight: 2, arbitrary: recorded.map((body) => JSON.stringify(body)).chain(mutatedText) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: texts() },
    { weight: 1, arbitrary: patches() },
  );
}

function bodiesLike(isLike: (schemas: string) => boolean): fc.Arbitrary<string> {
  const like = BODIES.filter((body) => isLike(JSON.stringify((body as { schemas?: unknown }).schemas ?? [])));
  return mutationsOf(fc.constantFrom(...like));
}

function mutationsOf(recorded: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc
    .tuple(recorded, fc.infiniteStream(fc.nat()))
    .map(([body, dice]) => JSON.stringify(mutated(body, dice)));
}

/** PATCHes of known attributes with values that may not fit. */
function patches(): fc.Arbitrary<string> {
  const path = fc.oneof(
    fc.constantFrom(
      'members',
      'emails',
      'name',
      'name.givenName',
      'active',
      'userName',
      'displayName',
      'id',
      'meta',
      'groups',
      ENTERPRISE,
      `${ENTERPRISE}:manager`,
      'emails[type eq "work"].value',
      'members[value eq "{user}"]',
      'addresses[type eq "work"]',
      'schemas',
      'password',
      'members.value',
      'x509Certificates',
    ),
    texts(),
  );
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      [{ value: '{user}' }],
      [],
      {},
      null,
      '',
      true,
      'True',
      7,
      [null],
      [[]],
      [{ value: 'x', primary: true }],
      '{user}',
    ),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const operation = fc.record(
    { op: fc.constantFrom('add', 'Add', 'replace', 'Replace', 'remove', 'Remove', 'move'), path, value },
    { requiredKeys: ['op'] },
  );
  return fc
    .array(operation, { minLength: 1, maxLength: 4 })
    .map((Operations) => JSON.stringify({ schemas: [PATCH_OP], Operations }));
}

const NASTY: unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e',
  'x'.repeat(300),
  'x'.repeat(9_000),
  [],
  {},
  [null],
  [[]],
  [{}],
  { value: '{user}' },
  [{ value: '{user}' }],
  { $ref: null },
  'bulkId:a',
  '{user}',
  NOBODY,
  'True',
  '2011-05-13T04:42:34Z',
];

/** A copy with up to three changes, often under a name of its own. */
function mutated(body: unknown, dice: Iterator<number>): unknown {
  const roll = (sides: number): number => (dice.next().value as number) % sides;
  const copy = { root: structuredClone(body) };
  const nasty = () => structuredClone(NASTY[roll(NASTY.length)]);
  for (const { holder, key } of spotsIn(copy)) {
    if ((key === 'userName' || key === 'displayName' || key === 'externalId') && roll(3) > 0)
      holder[key] = '{new}';
  }
  for (let changes = roll(4); changes > 0; changes--) {
    const spots = spotsIn(copy);
    const { holder, key } = spots[roll(spots.length)]!;
    const value = holder[key];
    switch (roll(6)) {
      case 0:
        holder[key] = nasty();
        break;
      case 1:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else if (holder !== copy) Reflect.deleteProperty(holder, key);
        break;
      case 2:
        holder[key] = [value];
        break;
      case 3:
        holder[key] =
          typeof value === 'string' ? (roll(2) ? value.toUpperCase() : value.slice(roll(5))) : { value };
        break;
      case 4: {
        const other = spots[roll(spots.length)]!;
        holder[key] = structuredClone(other.holder[other.key]);
        break;
      }
      default:
        if (holder !== copy && !Array.isArray(holder)) holder[String(nasty())] = structuredClone(value);
    }
  }
  return copy.root;
}

interface Spot {
  holder: Record<string, unknown>;
  key: string;
}

function spotsIn(root: Record<string, unknown>): Spot[] {
  const spots: Spot[] = [];
  const pending: Record<string, unknown>[] = [root];
  while (pending.length > 0) {
    const holder = pending.pop()!;
    for (const [key, value] of Object.entries(holder)) {
      spots.push({ holder, key });
      if (typeof value === 'object' && value !== null) pending.push(value as Record<string, unknown>);
    }
  }
  return spots;
}

/** A text in which a few characters are missing, doubled or replaced. */
function mutatedText(text: string): fc.Arbitrary<string> {
  const edit = fc.tuple(
    fc.nat(Math.max(0, text.length - 1)),
    fc.nat(3),
    fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '(',
        ')',
        '[',
        ']',
        '.',
        ':',
        ' ',
        '{',
        '}',
        ',',
        '\\u0000',
        'e',
        '0',
        '%',
        '&',
      ),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
    ),
  );
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) =>
      edits.reduce(
        (result, [at, removed, added]) => result.slice(0, at) + added + result.slice(at + removed),
        text,
      ),
    );
}

function texts(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    fc.constantFrom(
      '',
      '"',
      "' OR 1=1 --",
      '__proto__',
      'constructor',
      '${7*7}',
      '../..',
      '%',
      'x'.repeat(2_000),
    ),
  );
}
