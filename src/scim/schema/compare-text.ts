/**
 * Orders texts by code point, which is the order of their UTF-8 bytes and thus of binary columns. JavaScript's `<`
 * compares UTF-16 units and puts U+1F600 before U+FF5E.
 *
 * @returns a number below, equal to or above 0
 */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Surrogates encode the highest code points. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
