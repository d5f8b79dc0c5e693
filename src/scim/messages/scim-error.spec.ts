import fc from '../../../test/support/properties';
import { quoted, ScimError } from './scim-error';

describe('a SCIM error', () => {
  it('has its status as a text and leaves out a missing scimType', () => {
    expect(ScimError.invalidFilter('No.').toBody()).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '400',
      scimType: 'invalidFilter',
      detail: 'No.',
    });
    expect(ScimError.notFound('Gone.').toBody()).not.toHaveProperty('scimType');
  });

  it.each([
    ['uniqueness', 409, 'uniqueness'],
    ['notFound', 404, undefined],
    ['preconditionFailed', 412, undefined],
    ['tooLarge', 413, undefined],
    ['tooMany', 400, 'tooMany'],
    ['mutability', 400, 'mutability'],
    ['noTarget', 400, 'noTarget'],
    ['invalidPath', 400, 'invalidPath'],
    ['invalidSyntax', 400, 'invalidSyntax'],
    ['invalidValue', 400, 'invalidValue'],
  ] as const)('%s is %i', (make, status, scimType) => {
    expect(ScimError[make]('x')).toMatchObject({ status, scimType, detail: 'x' });
  });
});

describe('text of a client in a detail', () => {
  it.each([
    ['Ada', '"Ada"'],
    ['a "b" \\', '"a \\"b\\" \\\\"'],
    ['a\r\n\u0000\u001b[31m', '"a\\r\\n\\u0000\\u001b[31m"'],
    ['\u007f\u2028\u202e\ud800', '"\\u007f\\u2028\\u202e\\ud800"'],
    ['x'.repeat(100), `"${'x'.repeat(100)}"`],
    ['x'.repeat(101), `"${'x'.repeat(99)}…"`],
    [`${'x'.repeat(98)}😀yy`, `"${'x'.repeat(98)}…"`],
    [`${'x'.repeat(97)}\u0000`, `"${'x'.repeat(97)}…"`],
  ])('%j is %s', (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });

  it('is at most 100 characters of well-formed, printable text between quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const inner = quoted(text).slice(1, -1);
        expect(inner.length).toBeLessThanOrEqual(100);
        expect(inner).not.toMatch(/[\p{Surrogate}\p{Cc}]/u);
        expect(() => JSON.parse(`"${inner}"`) as unknown).not.toThrow();
      }),
    );
  });
});
