import fc from '../support/properties';
import { atOnce } from '../../src/event-loop/slice';
import { JsonRefusedError } from '../../src/security/json-refused';
import { parseStrictly } from '../../src/security/strict-json';
import { expectScimError } from '../scim/support/expectations';
import { GROUP_SCHEMA, USER_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration } from '../support/scimify';

const KIB = 1024;
const MIB = KIB * KIB;

const asBytes = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text) : text);
const parseJson = (text: string): unknown => JSON.parse(text);

/** Parses a text as the product parses small texts, or as it parses large ones: cut wherever it can be. */
const parse = (text: string | Buffer, pieceBytes?: number, mostValues = Infinity) =>
  atOnce(parseStrictly(asBytes(text), { mostValues, parse: parseJson, pieceBytes }));

/** The result of the action: its value, or why it was refused. */
function outcome(action: () => unknown): unknown {
  try {
    return { value: action() };
  } catch (error) {
    return error instanceof JsonRefusedError ? error.message : error;
  }
}

/** A text, or a text with a few wrong bytes. */
const texts = fc
  .record({
    value: fc.oneof(
      fc.jsonValue({ maxDepth: 5 }),
      fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 3, maxLength: 40 }),
      fc.record({ Operations: fc.array(fc.record({ value: fc.array(fc.jsonValue({ maxDepth: 2 })) })) }),
    ),
    indent: fc.constantFrom(0, 1, '\t'),
    corruptions: fc.array(
      fc.record({
        at: fc.nat(),
        remove: fc.nat(3),
        insert: fc.oneof(
          fc.constantFrom(
            ...'[]{},:"\\ 1-.e\n\ufeff\u2028\u0000',
            '[]',
            '{}',
            ',,',
            '[,',
            ',]',
            '[[1,2],3]',
            '":',
          ),
          fc.constantFrom(Buffer.from([0xff]), Buffer.from([0xe2, 0x82])),
        ),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ value, indent, corruptions }) =>
    corruptions.reduce<Buffer>(
      (text, { at, remove, insert }) => {
        const place = at % (text.length + 1);
        return Buffer.concat([text.subarray(0, place), asBytes(insert), text.subarray(place + remove)]);
      },
      Buffer.from(JSON.stringify(value, null, indent)),
    ),
  );

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
        // A text that is valid here may contain a name twice.
        try {
          expect(parse(text)).toStrictEqual(expected);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonRefusedError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same for a text that is parsed in pieces, and refused where that one is', () => {
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    let refused = 0;
    let accepted = 0;
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 40 }), (text, pieceBytes) => {
        const inPieces = outcome(() => parse(text, pieceBytes));
        let expected: unknown;
        try {
          expected = JSON.parse(utf8.decode(text));
        } catch {
          refused += 1;
          expect([typeof inPieces, typeof outcome(() => parse(text))]).toEqual(['string', 'string']);
          return;
        }
        accepted += 1;
        const atOneGo = outcome(() => parse(text));
        expect(inPieces).toStrictEqual(atOneGo);
        if (typeof atOneGo === 'string') expect(atOneGo).toContain('the same name twice');
        else expect(atOneGo).toStrictEqual({ value: expected });
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(refused, accepted)).toBeGreaterThan(200);
  });

  it.each([
    '[,1]',
    '[1,,2]',
    '[1,]',
    '[1,2}',
    '{"a":[1,2}',
    '[[1,2],[3,4]',
    '[1,2]]',
    '{[1,2]:3}',
    '{"a":1,[1,2]}',
    '"a"[1,2]',
    '[1,2][3,4]',
    '[1,\ufeff2]',
    '[1,2\u2028]',
    '[1,"a]',
    '[[1,],[2]]',
    '{"a":[[1,2],[3,,4]]}',
  ])('is not %s, also in pieces', (text) => {
    expect(() => JSON.parse(text)).toThrow();
    for (const pieceBytes of [1, 2, 100]) expect(() => parse(text, pieceBytes)).toThrow(JsonRefusedError);
  });

  it('keeps texts apart from what it puts in the place of lists', () => {
    const marks: string[] = [];
    const spying = (text: string): unknown => {
      marks.push(...(text.match(/[0-9a-f-]{36}:\d+/g) ?? []));
      return JSON.parse(text);
    };
    const text = '{"a":[[1,2],[3,4],[5,6]],"b":[7,8]}';
    atOnce(parseStrictly(Buffer.from(text), { mostValues: Infinity, parse: spying, pieceBytes: 1 }));
    expect(marks.length).toBeGreaterThan(0);
    // The next text gets other marks.
    const repeated = JSON.stringify({ a: [marks, [marks[0]], marks[0]] });
    expect(parse(repeated, 1)).toStrictEqual(JSON.parse(repeated));
  });

  it('may have a byte order mark in front of it', () => {
    for (const pieceBytes of [1, 100]) expect(parse('\ufeff[1,2]', pieceBytes)).toStrictEqual([1, 2]);
  });

  it('is parsed in small steps, however large it is', () => {
    const member = (n: number) => `{"value":"0198c2f4-7d1e-7a3b-9c55-${String(n).padStart(12, '0')}"}`;
    const list = `[${Array.from({ length: 50_000 }, (_, n) => member(n)).join(',')}]`;
    const longest = (text: string) => {
      let length = 0;
      const measured = (piece: string): unknown => {
        length = Math.max(length, piece.length);
        return JSON.parse(piece);
      };
      const value = atOnce(parseStrictly(Buffer.from(text), { mostValues: Infinity, parse: measured }));
      expect(JSON.stringify(value) === text).toBe(true);
      return length;
    };
    for (const text of [
      list,
      `{"members":${list}}`,
      `{"Operations":[{"op":"add","path":"members","value":${list}}]}`,
      `{"Operations":[${Array.from({ length: 30_000 }, (_, n) => `{"op":"add","value":[${member(n)}]}`).join()}]}`,
    ]) {
      expect(text.length).toBeGreaterThan(2 * MIB);
      expect(longest(text)).toBeLessThan(65 * KIB);
    }
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
          for (const pieceBytes of [undefined, 1]) {
            expect(() => parse(inside(text), pieceBytes)).toThrow('the same name twice');
          }
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

  describe('is bounded before anything of it is parsed:', () => {
    const untouched = (text: string, mostValues = Infinity) =>
      outcome(() =>
        atOnce(
          parseStrictly(Buffer.from(text), {
            mostValues,
            parse: () => {
              throw new Error('It was parsed.');
            },
          }),
        ),
      );

    it('in values: objects, lists and scalars', () => {
      for (const text of [
        '1',
        '[]',
        '[ ]',
        '{}',
        '[1,"a",{}]',
        '{"a":[[],[ ],{"b":null}],"c":" [1,2]"}',
        '[[1],[2,[3]]]',
      ]) {
        const count = (value: unknown): number =>
          typeof value === 'object' && value !== null
            ? Object.values(value).reduce<number>((sum, part) => sum + count(part), 1)
            : 1;
        const values = count(JSON.parse(text));
        expect(parse(text, undefined, values)).toStrictEqual(JSON.parse(text));
        if (values > 1) expect(untouched(text, values - 1)).toContain(`at most ${values - 1} values`);
      }
    });

    it('in the names of one object', () => {
      const named = (count: number) =>
        `[{"a":1},{${Array.from({ length: count }, (_, n) => `"n${n}":{"a":1}`).join(',')}}]`;
      expect(parse(named(1_000))).toStrictEqual(JSON.parse(named(1_000)));
      expect(untouched(named(1_001))).toContain('at most 1,000 names');
    });

    it('in a text, where it is large itself', () => {
      const withText = (length: number, filler: number) =>
        JSON.stringify(['x'.repeat(length), ...Array<string>(filler).fill('x'.repeat(KIB))]);
      expect(parse(withText(64 * KIB, 1_100))).toHaveLength(1_101);
      expect(untouched(withText(64 * KIB + 1, 1_100))).toContain('at most 64 KiB');
      expect(parse(withText(100 * KIB, 10))).toHaveLength(11);
    });

    it('in what cannot be cut', () => {
      const object = (names: number) =>
        `{${Array.from({ length: names }, (_, n) => `"n${n}":"${'x'.repeat(KIB)}"`).join(',')}}`;
      for (const wrap of [(inner: string) => inner, (inner: string) => `[1,2,${inner},3]`]) {
        expect(parse(wrap(object(240)))).toStrictEqual(JSON.parse(wrap(object(240))));
        expect(untouched(wrap(object(260)))).toContain('at most 256 KiB');
      }
      expect(untouched(`[${' '.repeat(300 * KIB)}1,2]`)).toContain('at most 256 KiB');
    });
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
      headers: { ...scimify.admin.headers, 'Content-Type': 'application/json' },
    });
    expect([atAdmin.status, ((await atAdmin.json()) as any).code]).toEqual([400, 'bad_request']);
  });
});
