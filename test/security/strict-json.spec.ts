import fc from '../support/properties';
import { JsonRefusedError, parseStrictly } from '../../src/security/strict-json';
import { expectScimError } from '../scim/support/expectations';
import { GROUP_SCHEMA, USER_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration } from '../support/scimify';

const parse = (text: string) => parseStrictly(Buffer.from(text), () => JSON.parse(text) as unknown);

describe('strict JSON', () => {
  it('is every JSON that says each name once', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  it('is nothing that JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[{}[\]":,\\a1 ]*$/)), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse(text)).toThrow();
          return;
        }
        // What is valid here may hold a name twice.
        try {
          expect(parse(text)).toStrictEqual(expected);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonRefusedError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is no JSON that holds a name twice in one object, wherever that is and however it is written', () => {
    const escaped = (name: string) =>
      `"${[...name].map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')).join('')}"`;
    const wrap = fc.constantFrom<((inner: string) => string)[]>(
      (inner) => inner,
      (inner) => `[${inner}]`,
      (inner) => `[null,{"a":${inner}},"}"]`,
      (inner) => `{"other":"\\"","deep":{"x":[${inner}]}}`,
    );
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('', '0', '1', 'a"b', '\\', ':', '{', 'constructor', '🙂'),
    );
    fc.assert(
      fc.property(
        name,
        fc.jsonValue(),
        fc.jsonValue(),
        wrap,
        fc.boolean(),
        (key, first, second, inside, escape) => {
          fc.pre(key !== '__proto__');
          const again = escape ? escaped(key) : JSON.stringify(key);
          const text = `{${JSON.stringify(key)}:${JSON.stringify(first)}, ${again} :${JSON.stringify(second)}}`;
          expect(() => parse(inside(text))).toThrow(JsonRefusedError);
        },
      ),
    );
  });

  it('is as deep as 64 levels', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(parse(nested(64))).toStrictEqual(JSON.parse(nested(64)));
    expect(() => parse(nested(65))).toThrow('deeper than 64 levels');
    expect(() => parse('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toThrow('deeper than 64 levels');
    expect(parse(JSON.stringify({ brackets: '['.repeat(1_000) }))).toEqual({ brackets: '['.repeat(1_000) });
  });
});

describe('bodies of more than one meaning', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
  });

  afterAll(() => scimify.stop());

  it.each([
    ['a name twice', `{"schemas":["${USER_SCHEMA}"],"userName":"ann","userName":"bob"}`, 'invalidSyntax'],
    [
      'a name twice, once escaped',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","\\u0075serName":"bob"}`,
      'invalidSyntax',
    ],
    [
      'a name twice further down',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","name":{"familyName":"a","familyName":"b"}}`,
      'invalidSyntax',
    ],
    [
      'a prototype',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","__proto__":{"active":false}}`,
      'invalidSyntax',
    ],
    [
      'a prototype further down',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","name":{"\\u005f_proto__":{}}}`,
      'invalidSyntax',
    ],
    [
      'a prototype of a constructor',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","constructor":{"prototype":{}}}`,
      'invalidSyntax',
    ],
    ['U+0000', `{"schemas":["${USER_SCHEMA}"],"userName":"a\\u0000nn"}`, 'invalidValue'],
    [
      '65 levels',
      `{"schemas":["${USER_SCHEMA}"],"userName":"ann","x":${'['.repeat(64)}${']'.repeat(64)}}`,
      'invalidValue',
    ],
  ])('with %s are refused by SCIM, and nothing is kept of them', async (_, body, scimType) => {
    expectScimError(await integration.scim.post('/Users', body), 400, scimType);
    expect((await integration.scim.get('/Users')).body.totalResults).toBe(0);
  });

  it('are refused by SCIM in a PATCH and of a group as well', async () => {
    const twice = `{"schemas":["${GROUP_SCHEMA}"],"displayName":"a","members":[],"members":[]}`;
    expectScimError(await integration.scim.post('/Groups', twice), 400, 'invalidSyntax');
    const id = await integration.scim.createGroup('Ops');
    expectScimError(
      await integration.scim.patch(
        `/Groups/${id}`,
        '{"Operations":[{"op":"add","op":"remove","path":"members"}]}',
      ),
      400,
      'invalidSyntax',
    );
  });

  it.each([
    ['a name twice', '{"name":"a","name":"b"}'],
    ['a prototype', '{"name":"a","__proto__":{"x":1}}'],
    ['65 levels', `{"name":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['U+0000', '{"name":"a\\u0000b"}'],
  ])('with %s are refused by the admin API', async (_, body) => {
    const answer = await scimify.admin.post('/tenants', body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await scimify.admin.get('/tenants')).body.items).toHaveLength(1);
  });

  it('that are no UTF-8 are refused by both', async () => {
    const broken = { method: 'POST', body: Buffer.from([0x22, 0xc3, 0x28, 0x22]) };
    const atScim = await fetch(`${scimify.url}/scim/v2/${integration.id}/Users`, {
      ...broken,
      headers: { Authorization: `Bearer ${integration.scimKey}`, 'Content-Type': 'application/scim+json' },
    });
    expect([atScim.status, ((await atScim.json()) as any).scimType]).toEqual([400, 'invalidSyntax']);
    const atAdmin = await fetch(`${scimify.url}/api/v1/tenants`, {
      ...broken,
      headers: { 'Content-Type': 'application/json' },
    });
    expect([atAdmin.status, ((await atAdmin.json()) as any).code]).toEqual([400, 'bad_request']);
  });
});
