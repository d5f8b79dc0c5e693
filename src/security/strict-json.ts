import { randomUUID } from 'node:crypto';
import { JsonOutline, type Piece, isWhiteSpace } from './json-outline';
import { JsonRefusedError } from './json-refused';

/** Parsing a piece takes a few milliseconds at most, whatever it holds. */
const PIECE_BYTES = 64 * 1024;
const BYTES_A_STEP = 64 * 1024;

export interface StrictJson {
  /** Objects, lists and scalars that the text may hold. */
  mostValues: number;
  /** Parses a small text; throws when it is invalid. */
  parse: (text: string) => unknown;
  pieceBytes?: number;
}

/**
 * Parses a JSON text of any size in small steps. It cuts long lists at their commas, parses the pieces one by one,
 * and joins the lists. It never turns the whole text into one string.
 *
 * Before it parses anything, it refuses a text that is nested too deep or too large. Then it refuses objects with
 * a duplicate name, because parsers do not agree on which one counts.
 *
 * @param given UTF-8
 * @throws JsonRefusedError
 */
export function* parseStrictly(
  given: Buffer,
  { mostValues, parse, pieceBytes = PIECE_BYTES }: StrictJson,
): Generator<void, unknown> {
  const text = trimmed(given);
  const outline = new JsonOutline(text, mostValues, pieceBytes);
  while (outline.advance(BYTES_A_STEP)) yield;
  const pieces = new ParsedPieces(text, parse);
  for (const piece of outline.pieces) {
    pieces.add(piece);
    yield;
  }
  const value = pieces.whole();
  // Parsers keep one of two equal names. So the value has fewer names than its text exactly when a name came
  // twice.
  if (pieces.names < outline.names) {
    throw new JsonRefusedError(
      'invalidSyntax',
      'An object in the request body holds the same name twice; send each name once.',
    );
  }
  return value;
}

/** The text without the white space around it. */
function trimmed(text: Buffer): Buffer {
  let [from, to] = [0, text.length];
  while (from < to && isWhiteSpace(text[from])) from += 1;
  while (to > from && isWhiteSpace(text[to - 1])) to -= 1;
  return text.subarray(from, to);
}

/** A list that is joined from its pieces, and its place in the text. */
interface CutOut {
  from: number;
  to: number;
  placeholder: string;
}

class ParsedPieces {
  /** Number of the members in all that was parsed. */
  names = 0;
  /** Incomplete lists, by the offset of their bracket. */
  private readonly open = new Map<number, unknown[]>();
  /** Complete lists that their outer value does not hold yet, in the order of the text. */
  private readonly cutOut: CutOut[] = [];
  private readonly lists = new Map<string, unknown[]>();
  /** No client can guess it, so no text of a client is mistaken for a placeholder. */
  private readonly mark = randomUUID();

  constructor(
    private readonly text: Buffer,
    private readonly parse: (text: string) => unknown,
  ) {}

  add({ list, from, to, isLast }: Piece): void {
    const elements = this.valueOf(`[${this.textOf(from, to)}]`) as unknown[];
    // There must be an element between two commas, and between a comma and a bracket.
    if (elements.length === 0) throw JsonRefusedError.noJson();
    const whole = this.open.get(list);
    if (!whole) this.open.set(list, elements);
    else for (const element of elements) whole.push(element);
    if (!isLast) return;
    const placeholder = `${this.mark}:${list}`;
    this.lists.set(placeholder, this.open.get(list)!);
    this.open.delete(list);
    this.cutOut.push({ from: list, to: to + 1, placeholder });
  }

  whole(): unknown {
    return this.valueOf(this.textOf(0, this.text.length));
  }

  /** The text, with a placeholder for each list that is cut out of it. */
  private textOf(from: number, to: number): string {
    const { cutOut } = this;
    let first = cutOut.length;
    while (first > 0 && cutOut[first - 1]!.from >= from) first -= 1;
    let text = '';
    let at = from;
    for (const hole of cutOut.splice(first)) {
      // The placeholder is a list too: where a list is invalid, e.g. as a name, the placeholder must be invalid
      // too.
      text += `${this.decode(at, hole.from)}["${hole.placeholder}"]`;
      at = hole.to;
    }
    return text + this.decode(at, to);
  }

  private decode(from: number, to: number): string {
    try {
      // A byte order mark is valid at the start of the text, and nowhere else.
      return (from === 0 ? utf8 : utf8Inside).decode(this.text.subarray(from, to));
    } catch {
      throw new JsonRefusedError('invalidSyntax', 'The request body is not UTF-8.');
    }
  }

  private valueOf(text: string): unknown {
    let value: unknown;
    try {
      value = this.parse(text);
    } catch {
      throw JsonRefusedError.noJson();
    }
    return this.filled(value);
  }

  /** Puts the lists back, and counts names. It may recurse, because the depth is limited. */
  private filled(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.filledList(value as unknown[]);
    const object = value as Record<string, unknown>;
    // `for … in` is the one way to walk the members that makes no garbage.
    for (const name in object) {
      this.names += 1;
      const member = object[name];
      const filled = this.filled(member);
      if (filled !== member) object[name] = filled;
    }
    return object;
  }

  private filledList(list: unknown[]): unknown[] {
    const [first] = list;
    if (list.length === 1 && typeof first === 'string' && first.startsWith(this.mark)) {
      return this.lists.get(first)!;
    }
    for (let at = 0; at < list.length; at += 1) {
      const element = list[at];
      const filled = this.filled(element);
      if (filled !== element) list[at] = filled;
    }
    return list;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const utf8Inside = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
