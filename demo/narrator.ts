const WIDTH = 56;

/** Tells the session as it happens; colour only where a person looks at it. */
export class Narrator {
  private chapters = 0;
  /** Requests that were folded since they are; null while each is printed. */
  private unseen: number | null = null;
  private readonly colour: boolean;

  constructor(private readonly out: NodeJS.WriteStream) {
    this.colour = out.isTTY && !process.env.NO_COLOR;
  }

  title(text: string): void {
    this.line(this.style('1', text));
  }

  /** What the chapters will be, before the first of them. */
  contents(before: string, chapters: readonly string[]): void {
    this.line();
    this.line(before);
    chapters.forEach((text, index) => this.line(`  ${String(index + 1).padStart(2)}. ${text}`));
  }

  chapter(text: string): void {
    this.chapters += 1;
    this.line();
    this.line(this.style('1', `${this.chapters}. ${text}`));
  }

  heading(text: string): void {
    this.line();
    this.line(this.style('1', text));
  }

  /** A request of the identity provider and how Scimify answered it. */
  request(method: string, path: string, status: number, note = ''): void {
    if (this.unseen !== null) {
      this.unseen += 1;
      return;
    }
    const text = shortened(`${method.padEnd(5)} ${shortIds(path)}`).padEnd(WIDTH);
    const answer = this.style(status < 400 ? '32' : '31', String(status));
    this.line(`   ${text} ${answer}${note ? this.style('2', `  ${note}`) : ''}`);
  }

  /**
   * Requests that repeat what was just to be seen.
   *
   * @returns how many there were
   */
  async fold(send: () => Promise<void>): Promise<number> {
    const before = this.unseen;
    this.unseen = 0;
    await send();
    const count = this.unseen;
    this.unseen = before === null ? null : before + count;
    return count;
  }

  /** One line in place of what was folded. */
  folded(count: number, note: string): void {
    const text = `… ${count} more requests like these`;
    this.line(`   ${text.padEnd(WIDTH)}      ${this.style('2', note)}`);
  }

  /** Something that came true. */
  done(text: string): void {
    this.line(`   ${this.style('32', '✓')} ${text}`);
  }

  failed(text: string): void {
    this.line(`   ${this.style('31', '✗')} ${text}`);
  }

  note(text: string): void {
    this.line(`   ${this.style('2', text)}`);
  }

  row(cells: readonly (readonly [text: string, width: number])[]): void {
    this.line(`   ${cells.map(([text, width]) => text.padEnd(width)).join('  ')}`.trimEnd());
  }

  line(text = ''): void {
    this.out.write(`${text}\n`);
  }

  private style(code: string, text: string): string {
    return this.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

function shortened(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}

/** Ids of 36 characters make every line of a session look the same. */
function shortIds(path: string): string {
  return path.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}([0-9a-f]{4})/g, '…$1');
}
