import { JsonRefusedError } from './json-refused';

const KIB = 1024;
const MIB = KIB * KIB;

/** Far deeper than any request that Scimify understands. */
const MAX_DEPTH = 64;
const MOST_NAMES = 1_000;
/** In a text over this size the length of strings is limited, because a string cannot be cut. */
const LARGE_TEXT = MIB;
const LONGEST_STRING = 64 * KIB;
/** Limit of what is left of a text without its long lists, and of each element of such a list. */
const LARGEST_PIECE = 256 * KIB;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Some elements of a list that is parsed in pieces: the elements between two commas of that list. */
export interface Piece {
  /** Offset of the bracket that opens the list. */
  list: number;
  from: number;
  /** Offset of the comma, or of the closing bracket, after the last element. */
  to: number;
  isLast: boolean;
}

/**
 * Reads brackets, commas, colons and quotes of a JSON text: it counts names and values, and finds where long lists
 * can be cut. It looks at bytes, because in UTF-8 no other character contains one of these. For invalid JSON the
 * result means nothing.
 */
export class JsonOutline {
  /** Number of the members of all objects. */
  names = 0;
  /** Number of objects, lists and scalars. */
  values = 1;
  /** A piece of an inner list comes before the piece of an outer list that holds it. */
  readonly pieces: Piece[] = [];

  private at = 0;
  /** How many brackets are open. The arrays below have an entry for each, and one for the whole text. */
  private level = 0;
  private readonly isList: boolean[] = [false];
  private readonly openedAt: number[] = [0];
  private readonly namesOf: number[] = [0];
  private readonly isCut: boolean[] = [false];
  /** Where the current piece begins. */
  private readonly pieceFrom: number[] = [0];
  /** Bytes of inner lists that are cut out of the current piece. */
  private readonly cutOut: number[] = [0];
  private readonly longestString: number;

  /**
   * @param mostValues a text with more is refused
   * @param pieceBytes a list is cut when so many bytes of it follow the last cut
   */
  constructor(
    private readonly text: Buffer,
    private readonly mostValues: number,
    private readonly pieceBytes: number,
  ) {
    this.longestString = text.length > LARGE_TEXT ? LONGEST_STRING : text.length;
  }

  /**
   * Reads so many more bytes, and to the end of a string.
   *
   * @returns whether there is more to read
   * @throws JsonRefusedError
   */
  advance(bytes: number): boolean {
    const { text } = this;
    const end = Math.min(text.length, this.at + bytes);
    let at = this.at;
    for (; at < end; at += 1) {
      switch (text[at]) {
        case QUOTE:
          at = this.endOfString(at);
          break;
        case COMMA:
          if (this.isList[this.level]) this.endElement(at);
          break;
        case COLON:
          this.countName();
          break;
        case OPEN_OBJECT:
          this.open(at, false);
          break;
        case OPEN_LIST:
          this.open(at, true);
          at = this.beforeContent(at);
          // The first element of the list. The commas count the others.
          if (text[at + 1] !== CLOSE_LIST) this.countValue();
          break;
        case CLOSE_OBJECT:
          this.close(at, false);
          break;
        case CLOSE_LIST:
          this.close(at, true);
          break;
        default:
      }
    }
    this.at = at;
    if (at < text.length) return true;
    if (this.level > 0) throw JsonRefusedError.noJson();
    this.checkPiece(text.length);
    return false;
  }

  /** @returns the offset of the closing quote */
  private endOfString(opening: number): number {
    const { text } = this;
    const end = Math.min(text.length, opening + this.longestString + 2);
    let at = opening + 1;
    while (at < end && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
    if (at < end) return at;
    if (at >= text.length) throw JsonRefusedError.noJson();
    throw tooLarge(
      `In a request body of more than ${LARGE_TEXT / MIB} MiB, a text may have at most ${LONGEST_STRING / KIB} KiB.`,
    );
  }

  /** @returns the offset of the last white space after a bracket, or of the bracket */
  private beforeContent(bracket: number): number {
    // More white space than this is refused in any case.
    const end = bracket + LARGEST_PIECE;
    let at = bracket + 1;
    while (at < end && isWhiteSpace(this.text[at])) at += 1;
    return at - 1;
  }

  private countValue(): void {
    this.values += 1;
    if (this.values > this.mostValues) {
      throw tooLarge(
        `The request body may hold at most ${this.mostValues.toLocaleString('en')} values (objects, lists, texts, numbers and so on); send less at a time.`,
      );
    }
  }

  private countName(): void {
    this.names += 1;
    this.namesOf[this.level]! += 1;
    if (this.namesOf[this.level]! > MOST_NAMES) {
      throw tooLarge(
        `An object in the request body may have at most ${MOST_NAMES.toLocaleString('en')} names.`,
      );
    }
    this.countValue();
  }

  private open(at: number, isList: boolean): void {
    if (this.level === MAX_DEPTH) {
      throw new JsonRefusedError(
        'invalidValue',
        `The request body is nested deeper than ${MAX_DEPTH} levels.`,
      );
    }
    this.level += 1;
    const { level } = this;
    this.isList[level] = isList;
    this.openedAt[level] = at;
    this.namesOf[level] = 0;
    this.isCut[level] = false;
    this.beginPiece(at + 1);
  }

  private close(at: number, isList: boolean): void {
    const { level } = this;
    if (level === 0 || this.isList[level] !== isList) throw JsonRefusedError.noJson();
    if (this.isCut[level]) this.cut(at, true);
    this.level = level - 1;
    this.cutOut[level - 1]! += this.isCut[level] ? at + 1 - this.openedAt[level]! : this.cutOut[level]!;
  }

  private endElement(comma: number): void {
    this.countValue();
    if (this.sizeOfPiece(comma) < this.pieceBytes) return;
    this.cut(comma, false);
    this.isCut[this.level] = true;
    this.beginPiece(comma + 1);
  }

  private cut(to: number, isLast: boolean): void {
    this.checkPiece(to);
    this.pieces.push({ list: this.openedAt[this.level]!, from: this.pieceFrom[this.level]!, to, isLast });
  }

  private beginPiece(at: number): void {
    this.pieceFrom[this.level] = at;
    this.cutOut[this.level] = 0;
  }

  private sizeOfPiece(end: number): number {
    return end - this.pieceFrom[this.level]! - this.cutOut[this.level]!;
  }

  private checkPiece(end: number): void {
    if (this.sizeOfPiece(end) <= LARGEST_PIECE) return;
    throw tooLarge(
      `Without its lists the request body may have at most ${LARGEST_PIECE / KIB} KiB, and so may each element of a list.`,
    );
  }
}

export function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function tooLarge(message: string): JsonRefusedError {
  return new JsonRefusedError('tooLarge', message);
}
