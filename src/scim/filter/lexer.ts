import { MOST_COMBINING_MARKS, isStorable, isStreamSafe } from '../../database/storable-text';

/** `position` counts UTF-16 units from 1. */
export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly position: number }
  | { readonly kind: 'string'; readonly value: string; readonly position: number }
  | { readonly kind: 'number'; readonly value: number; readonly position: number }
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly position: number }
  /** `.value` after a closing bracket. */
  | { readonly kind: 'sub'; readonly name: string; readonly position: number }
  /** Text that is no token. The parser reports it when it reaches it. */
  | { readonly kind: 'bad'; readonly problem: string; readonly position: number };

const SPACE = /[ \t\r\n]+/y;
const WORD = /[A-Za-z$][A-Za-z0-9_$.:%/+@~-]*/y;
const SUB = /\.([A-Za-z$][A-Za-z0-9_$-]*)/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z0-9_$.:-])/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;

/** Splits the text of a filter or of a PATCH path into tokens. The last token is `end`, or the first `bad` one. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  for (;;) {
    offset += match(SPACE, text, offset)?.[0].length ?? 0;
    const { token, length } = nextToken(text, offset, tokens.at(-1));
    tokens.push(token);
    if (token.kind === 'end' || token.kind === 'bad') return tokens;
    offset += length;
  }
}

function nextToken(
  text: string,
  offset: number,
  previous: Token | undefined,
): { token: Token; length: number } {
  const position = offset + 1;
  const character = text[offset];
  if (character === undefined) return { token: { kind: 'end', position }, length: 0 };
  if (character === '(' || character === ')' || character === '[' || character === ']') {
    return { token: { kind: character, position }, length: 1 };
  }
  const sub = previous?.kind === ']' ? match(SUB, text, offset) : null;
  if (sub !== null) return { token: { kind: 'sub', name: sub[1]!, position }, length: sub[0].length };
  const word = match(WORD, text, offset);
  if (word !== null) return { token: { kind: 'word', text: word[0], position }, length: word[0].length };
  if (character === '"') return stringToken(match(STRING, text, offset)?.[0], position);
  const number = match(NUMBER, text, offset);
  if (number !== null) return { token: numberToken(Number(number[0]), position), length: number[0].length };
  return { token: { kind: 'bad', problem: 'unexpected character', position }, length: 0 };
}

function stringToken(text: string | undefined, position: number): { token: Token; length: number } {
  if (text === undefined) {
    const problem = 'this string is not closed, or has an escape that JSON does not know';
    return { token: { kind: 'bad', problem, position }, length: 0 };
  }
  const value = JSON.parse(text) as string;
  const problem = problemOf(value);
  if (problem !== null) return { token: { kind: 'bad', problem, position }, length: 0 };
  return { token: { kind: 'string', value, position }, length: text.length };
}

function problemOf(text: string): string | null {
  if (!isStorable(text)) return 'this string holds U+0000 or half of a surrogate pair';
  return isStreamSafe(text)
    ? null
    : `this string holds more than ${MOST_COMBINING_MARKS} combining marks in a row`;
}

function numberToken(value: number, position: number): Token {
  if (!Number.isFinite(value)) return { kind: 'bad', problem: 'this number is too large', position };
  // -0 equals 0, but would give another key and another text.
  return { kind: 'number', value: value === 0 ? 0 : value, position };
}

function match(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}
